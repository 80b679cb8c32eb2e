"""A recording of the ROS graph, free of ROS: camera images, voice commands, fusion ticks, diagnostics, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray


@dataclass(frozen=True)
class CompressedFrame:
    """A colour frame as JPEG."""

    stamp_ns: int
    jpeg: bytes


@dataclass(frozen=True)
class RecordedCommand:
    """A VoiceCommand message; the speech ended at `stamp_ns`."""

    stamp_ns: int
    intent: int
    text: str
    instruction: str
    confidence: float
    latency_ns: int

    @property
    def recognised_ns(self) -> int:
        """When the recogniser was done."""
        return self.stamp_ns + self.latency_ns


@dataclass(frozen=True)
class FusionTick:
    """A FusionState message: observation, policy state and progress of the grasp at one tick.

    Arrays are in the order of `modality`; `gate` is empty and `target_m` NaN where the policy did not act. The outcome
    of a grasp is repeated, with `instruction` empty, until the next one begins.
    """

    stamp_ns: int
    instruction: str
    phase: str
    outcome: str
    message: str
    tries: int
    modality: tuple[str, ...]
    present: tuple[bool, ...]
    gate: tuple[float, ...]
    target_m: tuple[float, float, float]
    held_force_n: float
    tick_ms: float


@dataclass(frozen=True)
class NodeStatus:
    """A diagnostic status of one node at `stamp_ns`."""

    stamp_ns: int
    node: str
    level: int
    message: str
    values: Mapping[str, str]


Span = tuple[str, int, int]  # name, begin and end [ns] of an interval

Sample = tuple[int, tuple[float, ...]]  # stamp [ns] and values of one message of a fast topic


@dataclass
class GraphRecording:
    """Everything recorded so far, oldest first."""

    images: list[CompressedFrame] = field(default_factory=list)
    commands: list[RecordedCommand] = field(default_factory=list)
    ticks: list[FusionTick] = field(default_factory=list)
    statuses: list[NodeStatus] = field(default_factory=list)
    wrench: list[Sample] = field(default_factory=list)  # 6 values, raw [N, N·m]
    joints: list[Sample] = field(default_factory=list)  # the arm's joints [rad], last the gripper's opening [m]

    def latest_status(self) -> dict[str, NodeStatus]:
        """The newest status of each node."""
        return {status.node: status for status in self.statuses}

    def grasp_ticks(self) -> list[FusionTick]:
        """The ticks that had an instruction."""
        return [tick for tick in self.ticks if tick.instruction]


def arrays(samples: list[Sample]) -> tuple[NDArray[np.int64], FloatArray]:
    """At least one sample as arrays: stamps (n,) [ns] and values (n, width)."""
    stamps, values = zip(*samples, strict=True)
    return np.array(stamps, dtype=np.int64), np.array(values, dtype=np.float64)


def phase_spans(ticks: list[FusionTick]) -> list[Span]:
    """The intervals of the grasp phases, in order."""
    begins = [(phase, next(same).stamp_ns) for phase, same in groupby(ticks, key=lambda tick: tick.phase)]
    ends_ns = [*(begin_ns for _, begin_ns in begins[1:]), *(tick.stamp_ns for tick in ticks[-1:])]
    return [(phase, begin_ns, end_ns) for (phase, begin_ns), end_ns in zip(begins, ends_ns, strict=True)]
