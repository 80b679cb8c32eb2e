"""One replay of one recording, and its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.ingest.sensor_input import FAST_STREAMS, NominalRates, SensorInput
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.player import EvenTicks, Player, play
from autoglm_embodied.replay.runners import AlignerRunner, PolicyRunner
from autoglm_embodied.types import MODALITIES, Observation, Sense

NS_PER_MS, NS_PER_S = 1e6, 1e9
TARED = "wrench.tared"  # in the metadata of a recording whose wrenches need no tare
LEAST_PRESENT = 0.9  # of the ticks; what is present in fewer is named with the reason


class BagReplay:
    """Plays a recording once and counts.

    Args:
        bag: not read yet.
        rate_hz: of the observations.
        policy: the checkpoint to act with, empty for the shipped one; None to observe only.
        robot_file, camera_file: settings, None for the shipped ones.
        map_clocks: whether stamps of another clock are placed by their receive times; see AlignSettings.
        make_runner: makes what it is replayed into where there is no policy.
    """

    def __init__(
        self,
        bag: Bag,
        rate_hz: float,
        policy: Path | None,
        robot_file: Path | None,
        camera_file: Path | None,
        map_clocks: bool,
        make_runner: Callable[[Aligner], AlignerRunner] = AlignerRunner,
    ) -> None:
        robot = Robot.from_file(robot_file or shipped("panda.yaml"))
        fingers = len(robot.finger_joint_names)
        align = replace(AlignSettings(), arm_joints=robot.joints, finger_joints=fingers, map_clocks=map_clocks)
        self._bag = bag
        self._rejected = RejectedMessages(lambda _: None)
        self._runner: AlignerRunner | PolicyRunner
        if policy is None:
            self._runner = make_runner(Aligner(align, partial(forward_kinematics, robot)))
        else:
            self._runner = policy_runner(policy, robot, align)
        camera = camera_file or shipped("camera.yaml")
        pose, depth_camera = camera_pose(camera), DepthCamera.from_file(camera)
        rejected = self._rejected.reject
        self._input = SensorInput(self._runner.sink, robot, pose, NominalRates(), rejected, depth_camera)
        self._schedule = EvenTicks(rate_hz, lambda: bag.epoch_ns, align)
        self._player = Player(self._input, self._runner, self._schedule, self._count)
        self._ticks = 0
        self._present: Counter[str] = Counter()
        self._absences: Counter[tuple[str, str]] = Counter()  # modality, kind of reason
        self._reasons: dict[tuple[str, str], str] = {}  # the last of each kind
        self._mapped: dict[str, tuple[int, int]] = {}  # in how many ticks, and by how much [ns] at most
        self._resolution_ns = 0  # of force, the coarsest
        self._coarse = ""  # what is then said
        self._errors_ns: dict[str, list[int]] = {name: [] for name in MODALITIES}

    @property
    def observed_any(self) -> bool:
        """Whether any modality was present at any tick."""
        return bool(self._present)

    def run(self, chosen: dict[str, str]) -> None:
        """Play all; `chosen` are the topics of streams that are named otherwise.

        Raises:
            BagError: the recording cannot be replayed.
        """
        play(self._bag, chosen, self._take)

    def _take(self, stream: str, message: BagMessage) -> None:
        if TARED in self._bag.metadata and not self._runner.aligner.tared:
            self._runner.aligner.assume_tared()
        self._player.take(stream, message)

    def add_figures(self, report: Report) -> None:
        """Add what came of each stream and what was observed of each modality."""
        for name, stream in self._player.streams.items():
            count = len(stream.receive_ns)
            if not count:
                report.skip(f"replay.messages of {name}", "none is in the recording")
                continue
            span_s = stream.span_s()
            report.add("replay.messages", count, "messages", count, case=name)
            report.add("replay.span_s", span_s, "s", count, case=name)
            if span_s > 0:
                report.add("replay.rate_hz", (count - 1) / span_s, "Hz", count, case=name)
            if name != "voice":
                report.add("replay.lost", stream.lost(), "messages", count, case=name)
        for name, count in self._rejected.counts().items():
            report.add("replay.refused", count, "messages", count, case=name)
        self._add_observed(report)

    def problems(self) -> list[str]:
        """Sentences about what was damaged, rejected, skipped or absent."""
        said = (
            self._bag.damages
            + self._bag.notes
            + self._schedule.notes()
            + [*self._rejected.summaries_since_last().values()]
        )
        pairer = self._input.pairer
        said += filter(None, [pairer.problem_since_last() or pairer.delay()])
        for name in (*FAST_STREAMS, "rgb", "depth"):
            said += self._player.streams[name].problems(name)
        said += [self._coarse] if self._coarse else []
        for name, (ticks, furthest_ns) in self._mapped.items():
            off = f"as its stamps are off by {furthest_ns / NS_PER_S:.3g} s" + (" or less" if ticks > 1 else "")
            said.append(f"{name} is placed by times of receipt in {ticks} of {self._ticks} ticks, {off}")
        return said + [self._absence(name) for name in MODALITIES if self._lacks(name)]

    def _lacks(self, modality: str) -> bool:
        """Whether a modality was absent from many ticks, and not merely because nobody spoke."""
        spoken = modality != "language" or bool(self._player.streams["voice"].receive_ns)
        return spoken and self._present[modality] < LEAST_PRESENT * self._ticks

    def _absence(self, modality: str) -> str:
        """How often and mostly why a modality was absent."""
        kinds = Counter({key: count for key, count in self._absences.items() if key[0] == modality})
        [(key, _)] = kinds.most_common(1)
        missing = self._ticks - self._present[modality]
        return f"{modality} is absent from {missing} of {self._ticks} ticks, {self._reasons[key]}"

    def _add_observed(self, report: Report) -> None:
        if not self._ticks:
            report.skip("replay.observations", "the recording is shorter than the time between two of them")
            return
        report.add("replay.observations", self._ticks, "ticks", self._ticks)
        for name, errors_ns in self._errors_ns.items():
            report.add_fraction("replay.present", self._present[name], self._ticks, case=name)
            for percent in (50, 99) if errors_ns else ():
                value_ms = float(np.percentile(errors_ns, percent)) / NS_PER_MS
                report.add("replay.time_error_ms", value_ms, "ms", len(errors_ns), case=name, stat=f"p{percent}")
        if self._resolution_ns:
            report.add("replay.force_resolution_ms", self._resolution_ns / NS_PER_MS, "ms", self._present["force"])
        if isinstance(self._runner, PolicyRunner):
            for name in ("decisions", "commands", "limited"):
                report.add_fraction(f"replay.{name}", getattr(self._runner, name), self._ticks)

    def _count(self, observation: Observation) -> None:
        self._ticks += 1
        senses: tuple[Sense[Any], ...] = observation.senses()
        for name, sense in zip(MODALITIES, senses, strict=True):
            if sense.present:
                self._present[name] += 1
                self._errors_ns[name].append(sense.time_error_ns)
        for name, why in self._runner.aligner.absences().items():
            key = name, why.partition(":")[0]
            self._absences[key] += 1
            self._reasons[key] = why
        for name, mapped_ns in self._runner.aligner.mapped_ns().items():
            if mapped_ns:
                ticks, furthest_ns = self._mapped.get(name, (0, 0))
                self._mapped[name] = ticks + 1, max(furthest_ns, abs(mapped_ns))
        resolution_ns = self._runner.aligner.force_resolution_ns()
        if resolution_ns > self._resolution_ns:
            self._resolution_ns, self._coarse = resolution_ns, self._runner.aligner.coarse_force()


def policy_runner(checkpoint: Path, robot: Robot, align: AlignSettings) -> PolicyRunner:
    """The pipeline of a checkpoint with a governor; an empty path is the shipped one's."""
    import torch

    from autoglm_embodied.model.checkpoint import SHIPPED
    from autoglm_embodied.policy.grasp_controller import GraspController
    from autoglm_embodied.policy.grasp_episode import GraspSettings
    from autoglm_embodied.policy.learned import load_pipeline
    from autoglm_embodied.safety.governor import Governor, GovernorLoop
    from autoglm_embodied.safety.limits import Limits

    torch.set_num_threads(1)
    pipeline = load_pipeline(SHIPPED if checkpoint == Path() else checkpoint, robot, align)
    return PolicyRunner(GraspController(pipeline, GraspSettings()), GovernorLoop(Governor(Limits()), robot))
