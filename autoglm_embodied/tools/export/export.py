"""Exports recordings: each is replayed, and what is observed goes to the file or dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.bag_replay import BagReplay
from autoglm_embodied.replay.runners import AlignerRunner, Instant
from autoglm_embodied.tools.export.lerobot_dataset import LeRobotDataset
from autoglm_embodied.types import Frame, Observation


class EpisodeRunner(AlignerRunner):
    """Adds each tick to a dataset, with the newest frame."""

    def __init__(self, aligner: Aligner, dataset: LeRobotDataset) -> None:
        super().__init__(aligner)
        self._dataset = dataset
        self._frame: Frame | None = None

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """See SensorSink."""
        super().push_frame(frame, receive_ns)
        self._frame = frame

    def tick(self, instant: Instant) -> Observation:
        """See Runner."""
        observation = super().tick(instant)
        self._dataset.add(observation, self.aligner.force_stamps_ns(), self._frame)
        return observation


@dataclass(frozen=True)
class Export:
    """What is exported, and how; the names are those of the options of `autoglm export`."""

    files: list[Path]
    chosen: dict[str, str]  # the topics of streams that are named otherwise
    out: Path
    fps: int
    robot: Path | None
    camera: Path | None

    def to_lerobot(self, report: Report) -> list[str]:
        """Write a dataset of all recordings; returns sentences about what was absent or refused.

        Raises:
            BagError: a recording cannot be read, or there is nothing to export.
            ConfigError: a settings file cannot be used, or the folder is not empty.
        """
        dataset, said = LeRobotDataset(self.out, self._robot(), self.fps), []
        for file in self.files:
            said += self._replay(file, lambda aligner: EpisodeRunner(aligner, dataset))
            dataset.end_recording()
        report.add("export.episodes", dataset.close(), "episodes")
        report.add("export.rows", dataset.rows, "rows")
        return said

    def to_rerun(self, report: Report) -> list[str]:
        """Write a recording for the Rerun viewer; see `to_lerobot`."""
        from autoglm_embodied.tools.export.rerun_file import RerunRunner

        if len(self.files) > 1:
            raise ConfigError(f"--to rerun takes one recording, got {len(self.files)}; export each apart")
        if self.out.exists() or self.out.suffix != ".rrd":
            raise ConfigError(f"--out must be a new .rrd file, got {self.out}")
        robot, runners = self._robot(), list[RerunRunner]()

        def make(aligner: Aligner) -> AlignerRunner:
            names = robot.joint_names + robot.finger_joint_names
            runners.append(RerunRunner(aligner, self.out, names))
            return runners[0]

        said = self._replay(self.files[0], make)
        runners[0].close()
        report.add("export.bytes", self.out.stat().st_size, "bytes")
        return said

    def _robot(self) -> Robot:
        return Robot.from_file(self.robot or shipped("panda.yaml"))

    def _replay(self, file: Path, make_runner: Callable[[Aligner], AlignerRunner]) -> list[str]:
        replay = BagReplay(Bag(file), self.fps, None, self.robot, self.camera, False, make_runner)
        replay.run(self.chosen)
        return [f"{file.name}: {sentence}" for sentence in replay.problems()]
