"""The arm of the benches: the shipped Panda, whose joints move as told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoglm_embodied.bench.signals import Signal, band_limited
from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.types import FloatArray

HOME_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8])
MOVING = 9  # seven joints and two fingers
SWING_RAD = 0.1


def kinematics() -> Callable[[FloatArray], FloatArray]:
    """Arm joints (7,) to T_base_tool (4, 4)."""
    robot = Robot.from_file(shipped("panda.yaml"))
    return lambda position_rad: forward_kinematics(robot, position_rad)


def joints_row(move: Signal) -> Signal:
    """Positions and velocities (n, 18) of an arm whose joints swing about its home by `move` (n, 7)."""

    def row(seconds: FloatArray) -> FloatArray:
        values = np.zeros((len(seconds), 2 * MOVING))
        values[:, :7] = HOME_RAD + move(seconds)
        values[:, 7:MOVING] = 0.04
        return values

    return row


def joints_signal(rng: np.random.Generator, rest_s: float = 0.0, highest_hz: float = 5.0) -> Signal:
    """An arm at rest until `rest_s`, then in band-limited motion."""
    move = band_limited(highest_hz, 7, rng, SWING_RAD)
    start = move(np.array([rest_s]))
    return joints_row(lambda seconds: np.where(seconds[:, None] < rest_s, start, move(seconds)))
