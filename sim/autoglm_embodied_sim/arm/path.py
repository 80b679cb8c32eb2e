"""A straight way of the hand, which begins and ends at rest."""

from __future__ import annotations

import math

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.tabletop.hand_pose import HandPose

PEAK_SPEED, PEAK_ACCELERATION = 15 / 8, 10 / math.sqrt(3)
"""Of a minimum-jerk motion of length 1 in time 1 (Flash and Hogan, Journal of Neuroscience 5, 1985)."""
TURN_RAD_S = 1.8  # joint 7 has to do most of it and is capped at 2.1 rad/s
ACCELERATION_M_S2, ACCELERATION_RAD_S2 = 2.5, 15.0  # a little less than the servo allows


class StraightPath:
    """The minimum-jerk motion from one pose to another, at most as fast as the arm can follow."""

    def __init__(self, start: HandPose, goal: HandPose, speed_m_s: float) -> None:
        self._start, self._way = start.values, goal.values - start.values
        length_m, turn_rad = float(np.linalg.norm(self._way[:3])), abs(float(self._way[3]))
        self.seconds = max(
            PEAK_SPEED * length_m / speed_m_s,
            PEAK_SPEED * turn_rad / TURN_RAD_S,
            math.sqrt(PEAK_ACCELERATION * length_m / ACCELERATION_M_S2),
            math.sqrt(PEAK_ACCELERATION * turn_rad / ACCELERATION_RAD_S2),
        )

    def at(self, seconds: float) -> FloatArray:
        """(4,) x, y, z, yaw after so long; the goal once `self.seconds` have passed."""
        part = min(seconds / self.seconds, 1.0) if self.seconds > 0 else 1.0
        return np.asarray(self._start + self._way * (part**3 * (10 - 15 * part + 6 * part**2)))
