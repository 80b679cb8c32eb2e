"""Straight motions of a hand from rest to rest, and how far the hand is from where it should be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.types import FloatArray

PEAK_SPEED, PEAK_ACCELERATION = 15 / 8, 10 / math.sqrt(3)
"""Of a minimum-jerk motion of length 1 in time 1 (Flash and Hogan, Journal of Neuroscience 5, 1985)."""


class Tolerance(NamedTuple):
    """How far off a hand may be, along any axis and about any."""

    metres: float
    radians: float


ARRIVED, REACHED = Tolerance(0.0004, 0.002), Tolerance(0.004, 0.03)
LOST = Tolerance(0.03, 0.3)
"""Off the path: something is in the way, or the arm cannot reach."""


class PathLimits(NamedTuple):
    """What the hand can follow; by default a little less than the servo allows."""

    turn_rad_s: float = 1.8  # joint 7 has to do most of it and is capped at 2.1 rad/s
    acceleration_m_s2: float = 2.5
    acceleration_rad_s2: float = 15.0


OF_THE_SERVO = PathLimits()


class StraightPath:
    """The minimum-jerk motion from one pose to another, at most as fast as the arm can follow."""

    def __init__(self, start: HandPose, goal: HandPose, speed_m_s: float, limits: PathLimits = OF_THE_SERVO) -> None:
        self._start, self._way = start.values, goal.values - start.values
        length_m, turn_rad = float(np.linalg.norm(self._way[:3])), abs(float(self._way[3]))
        self.seconds = max(
            PEAK_SPEED * length_m / speed_m_s,
            PEAK_SPEED * turn_rad / limits.turn_rad_s,
            math.sqrt(PEAK_ACCELERATION * length_m / limits.acceleration_m_s2),
            math.sqrt(PEAK_ACCELERATION * turn_rad / limits.acceleration_rad_s2),
        )

    def at(self, seconds: float) -> FloatArray:
        """(4,) x, y, z, yaw after so long; the goal once `self.seconds` have passed."""
        part = min(seconds / self.seconds, 1.0) if self.seconds > 0 else 1.0
        return np.asarray(self._start + self._way * minimum_jerk(part))


def minimum_jerk(part: float) -> float:
    """The share of its way that a motion has done after a `part` of its time.

    Flash and Hogan, Journal of Neuroscience 5, 1985.
    """
    return part**3 * (10 - 15 * part + 6 * part**2)


@dataclass(frozen=True)
class TableFrame:
    """The frame of a table in the base frame, whose z axis points up in both, and where fingertips are in it.

    Args:
        origin_m: (3,) the middle of the working area on the table's top, base frame.
        fingertip_m: from the tool frame's origin to the lower ends of the fingers, along its z axis.
    """

    origin_m: FloatArray
    fingertip_m: float

    def tip_m(self, T_base_tool: FloatArray) -> FloatArray:
        """(3,) the point between the lower ends of the fingers."""
        return np.asarray(T_base_tool[:3, 3] + self.fingertip_m * T_base_tool[:3, 2] - self.origin_m)

    def hand_pose(self, T_base_tool: FloatArray) -> HandPose:
        """Where the fingertips are, turned by at most half a turn."""
        x_m, y_m, z_m = self.tip_m(T_base_tool).tolist()
        return HandPose(x_m, y_m, z_m, math.atan2(T_base_tool[1, 0], T_base_tool[0, 0]))

    def pose_error(self, T_base_tool: FloatArray, wanted: FloatArray) -> FloatArray:
        """(6,) from where the hand is to where it should be, pointing down: tips [m], then rotation vector [rad].

        Args:
            T_base_tool: (4, 4) pose of the tool.
            wanted: (4,) x, y, z, yaw of the tips.
        """
        x, y, z, yaw = wanted.tolist()
        turned, cos, sin = T_base_tool[:3, :3], math.cos(yaw), math.sin(yaw)
        pointing = np.array([[cos, sin, 0.0], [sin, -cos, 0.0], [0.0, 0.0, -1.0]])
        error = np.empty(6)
        error[:3] = np.array([x, y, z]) - self.tip_m(T_base_tool)
        turn = pointing @ turned.T
        error[3:] = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
        error[3:] *= 0.5  # exact to the third order of the angle
        return error


def within(error: FloatArray, tolerance: Tolerance) -> bool:
    """Whether no part of a pose error (6,) is as large as a tolerance."""
    return bool(np.abs(error[:3]).max() < tolerance.metres and np.abs(error[3:]).max() < tolerance.radians)
