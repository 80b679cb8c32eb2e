"""Messages to Observations to the bit, on a machine that need not have ROS.

python observing.py BAG: prints the digest of what is observed of a bag with all of ROS blocked, and replays it by the
command as well.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.ingest.sensor_input import NominalRates, SensorInput
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.replay.player import Player, play
from autoglm_embodied.replay.runners import AlignerRunner, Instant, Runner
from autoglm_embodied.types import Observation

MS = 1_000_000
EPOCH_NS = 1_700_000_000_000 * MS
ROBOT = Robot.from_file(shipped("panda.yaml"))
INSTANTS = [Instant(EPOCH_NS + k * MS, EPOCH_NS + k * MS) for k in range(5, 1500, 7)]


class GivenTicks:
    """The instants of an earlier run."""

    def __init__(self, instants: Iterable[Instant] = ()) -> None:
        self._instants = list(instants)

    def update(self, stream: str, stamp_ns: int, receive_ns: int) -> None:
        pass

    def due_before(self, receive_ns: int) -> Iterable[Instant]:
        while self._instants and self._instants[0].now_receive_ns < receive_ns:
            yield self._instants.pop(0)


def aligner_runner() -> AlignerRunner:
    settings = replace(AlignSettings(), arm_joints=ROBOT.joints, finger_joints=len(ROBOT.finger_joint_names))
    return AlignerRunner(Aligner(settings, lambda position: forward_kinematics(ROBOT, position)))


def player(runner: Runner, ticks: GivenTicks, observed: list[Observation], rejected: list[SensorError]) -> Player:
    pose = camera_pose(shipped("camera.yaml"))
    sensors = SensorInput(runner.sink, ROBOT, pose, NominalRates(), lambda _, error: rejected.append(error))
    return Player(sensors, runner, ticks, observed.append)


def bits(value: Any) -> Any:
    """A value with every number as its bytes, so that equal means equal to the last bit."""
    if is_dataclass(value):
        return tuple((field.name, bits(getattr(value, field.name))) for field in fields(value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value.hex() if isinstance(value, float) else value


def digest(observed: list[Observation]) -> str:
    return hashlib.sha256(repr([bits(each) for each in observed]).encode()).hexdigest()


class RosBlocked:
    """Finds ROS nowhere."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        package = name.split(".")[0]
        if package == "rclpy" or package.endswith(("_msgs", "_srvs", "_interfaces")) or package.startswith("rosidl"):
            raise ImportError(f"{name} is blocked")


def main(path: Path) -> None:
    from autoglm_embodied.tools.cli import main as autoglm

    observed: list[Observation] = []
    rejected: list[SensorError] = []
    play(Bag(path), {}, player(aligner_runner(), GivenTicks(INSTANTS), observed, rejected).take)
    assert not rejected and autoglm(["replay", str(path)]) == 0
    assert not [name for name in sys.modules if name.split(".")[0] in ("rclpy", "sensor_msgs", "geometry_msgs")]
    print(digest(observed))


if __name__ == "__main__":
    sys.meta_path.insert(0, RosBlocked())  # type: ignore[arg-type]
    main(Path(sys.argv[1]))
