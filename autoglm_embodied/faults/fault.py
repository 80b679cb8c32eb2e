"""The faults that are injected, each with what must come of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.faults import change
from autoglm_embodied.faults.change import Change
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.types import FloatArray

MS = 1_000_000
HOUR_NS = 3_600_000 * MS
GOVERNOR, FUSION = "governor_node", "fusion_node"
VOICE, RECORDER, PARTICIPANTS = "voice_node", "record_node", "participants"
BESIDE = (VOICE, RECORDER, PARTICIPANTS)
"""Processes without which the arm moves as well: they run in the trials of their own faults alone."""


class Policy(Enum):
    """What the policy that moves the arm steadily does otherwise."""

    SILENT = "silent"
    NAN = "commands no numbers"
    TWICE = "commands something wild before each command"
    OTHER_FRAME = "commands in another frame"
    FLOOD = "commands a hundred times in each tick"
    STOPPED = "a stop is called by message"
    STOPPED_BY_SERVICE = "a stop is called by service"


class Harm(Enum):
    """What is done to a process."""

    PAUSED = "SIGSTOP, and SIGCONT when the fault clears"
    KILLED = "SIGKILL"
    FULL_DISK = "its file may not grow any more"
    BEGINS = "it waited to be told to begin"


@dataclass(frozen=True)
class Fault:
    """One fault: what it does, and what must come of it."""

    name: str
    what: str  # for people
    told: str = ""  # regular expression of what must be told; empty: nothing
    safe_ms: float | None = None  # within which the arm must stand; None: it goes on as if nothing was
    streams: Mapping[str, Callable[[], Change]] = field(default_factory=dict)
    process: str = ""  # that comes to harm
    harm: Harm = Harm.PAUSED
    policy: Policy | None = None
    grasp: bool = False  # in a grasp of the learned policy; otherwise a steady twist is commanded
    lasts_s: float = 1.0
    backs_off: bool = False  # going back is as safe as standing

    @property
    def ends_process(self) -> bool:
        """Whether its process is no more."""
        return bool(self.process) and self.harm in (Harm.KILLED, Harm.FULL_DISK)

    @property
    def needs_restart(self) -> bool:
        """Whether nothing can go on before its process is started again."""
        return self.ends_process and self.process not in BESIDE

    def tells(self, text: str) -> bool:
        """Whether a text, "node: item: message", tells of it."""
        return bool(self.told) and re.search(self.told, text) is not None


def _wrench(edit: Callable[[FloatArray], FloatArray]) -> Mapping[str, Callable[[], Change]]:
    return {"wrench": lambda: change.wrench(edit)}


def _all(make: Callable[[], Change]) -> Mapping[str, Callable[[], Change]]:
    return {"wrench": make, "joints": make}


def _camera(make: Callable[[], Change]) -> Mapping[str, Callable[[], Change]]:
    return {"rgb": make, "depth": make}


def _depth(edit: Callable[[RawImage], tuple[str, NDArray[np.generic]]]) -> Mapping[str, Callable[[], Change]]:
    return {"depth": lambda: change.image(edit)}


SILENT, STUCK, FORCE = "governor: .*wrench silent", "governor: .*wrench stuck", "governor: .*force"
PUSH = np.array([0.0, 0.0, 60.0, 0.0, 0.0, 0.0])
BLIND, FULL = "fusion: without vision", "record_node: .*recording stopped"
FAULTS = (
    Fault("none", "nothing: what this machine does by itself", streams={"wrench": lambda: change.late(0)}),
    Fault("wrench_stop", "no wrench comes", SILENT, 20, {"wrench": lambda: change.silent}),
    Fault("wrench_stuck", "the same wrench with moving stamps", STUCK, 100, {"wrench": change.frozen}),
    Fault("wrench_nan", "NaN", SILENT, 20, _wrench(lambda wrench: wrench * math.nan)),
    Fault("wrench_saturated", "1 kN on each axis", FORCE, 10, _wrench(lambda _: np.full(6, 1e3)), backs_off=True),
    Fault("wrench_over_limit", "60 N more", FORCE, 10, _wrench(lambda wrench: wrench + PUSH), backs_off=True),
    Fault("wrench_bias_step", "15 N more", "", None, _wrench(lambda wrench: wrench + PUSH / 4)),
    Fault("wrench_loss", "10 % lost", "wrench: .*missing", None, {"wrench": lambda: change.lossy(0.1)}),
    Fault("wrench_burst", "0.5 s late, then all", SILENT, 20, {"wrench": lambda: change.burst}, lasts_s=0.5),
    Fault("wrench_malformed", "random bytes", SILENT, 20, {"wrench": change.noise}),
    Fault("wrench_cut", "half of each message", SILENT, 20, {"wrench": lambda: change.cut(0.5)}),
    Fault("joints_stop", "no joint states come", "joints silent", 120, {"joints": lambda: change.silent}),
    Fault("joints_nan", "NaN", "joints silent", 120, {"joints": lambda: change.joints(lambda at: at * math.nan)}),
    Fault("joints_reordered", "in another order", "", None, {"joints": lambda: change.joints(np.copy, order=-1)}),
    Fault("clock_ahead", "stamps 1 h ahead", "", None, _all(lambda: change.shifted(HOUR_NS))),
    Fault("clock_behind", "stamps 1 h behind", "", None, _all(lambda: change.shifted(-HOUR_NS))),
    Fault("stamps_repeated", "the same stamp", "", None, _all(lambda: change.backwards(0))),
    Fault("stamps_backwards", "stamps that go back", "", None, _all(lambda: change.backwards(1))),
    Fault("policy_silent", "no command comes", "policy silent", 50, policy=Policy.SILENT),
    Fault("policy_nan", "commands of NaN", "policy not finite", 50, policy=Policy.NAN),
    Fault("policy_twice", "two commands in one tick, one of 1 m/s", "", None, policy=Policy.TWICE),
    Fault("policy_flood", "10,000 commands a second", "", None, policy=Policy.FLOOD),
    Fault("policy_frame", "commands in another frame", "policy silent", 50, policy=Policy.OTHER_FRAME),
    Fault("stop", "a stop by message", "governor: .*stopped", 20, policy=Policy.STOPPED),
    Fault("governor_killed", "SIGKILL", "", 300, process=GOVERNOR, harm=Harm.KILLED),
    Fault("governor_paused", "SIGSTOP for 1 s", "", 300, process=GOVERNOR),
    Fault("voice_killed", "SIGKILL", process=VOICE, harm=Harm.KILLED),
    Fault(
        "voice_killed_stop",
        "SIGKILL, and a stop by service",
        "governor: .*stopped",
        20,
        process=VOICE,
        harm=Harm.KILLED,
        policy=Policy.STOPPED_BY_SERVICE,
    ),
    Fault("disk_full", "its disk is full", FULL, process=RECORDER, harm=Harm.FULL_DISK, lasts_s=2.0),
    Fault("participants_join", "30 more on the network", process=PARTICIPANTS, harm=Harm.BEGINS, lasts_s=3.0),
    Fault(
        "none_grasp",
        "nothing: what this machine does to a grasp",
        "",
        None,
        _camera(lambda: change.late(0)),
        grasp=True,
    ),
    Fault("camera_stop", "no images", BLIND, 250, _camera(lambda: change.silent), grasp=True),
    Fault("camera_frozen", "the same images with moving stamps", BLIND, 250, _camera(change.frozen), grasp=True),
    Fault("depth_frozen", "the same depth with moving stamps", BLIND, 250, {"depth": change.frozen}, grasp=True),
    Fault("camera_late_50", "50 ms late", "", None, _camera(lambda: change.late(50 * MS)), grasp=True),
    Fault("camera_late_200", "200 ms late", "", None, _camera(lambda: change.late(200 * MS)), grasp=True),
    Fault("camera_late_500", "500 ms late", BLIND, 250, _camera(lambda: change.late(500 * MS)), grasp=True),
    Fault("depth_nan", "depth of NaN", BLIND, 250, _depth(change.depth_nan), grasp=True),
    Fault("depth_encoding", "an encoding that does not exist", BLIND, 250, _depth(change.unknown_encoding), grasp=True),
    Fault("depth_half", "half of the rows", BLIND, 250, _depth(change.half), grasp=True),
    Fault("policy_killed", "SIGKILL", "policy silent", 50, process=FUSION, harm=Harm.KILLED, grasp=True),
    Fault("policy_paused", "SIGSTOP for 1 s", "policy silent", 50, process=FUSION, grasp=True),
)
