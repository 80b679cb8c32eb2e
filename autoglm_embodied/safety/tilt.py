"""How far the tool is tilted from pointing straight down, and the share of a twist that keeps it within a limit."""

from __future__ import annotations

import math

import numpy as np

from autoglm_embodied.types import FloatArray

PROBE_S = 0.01  # ahead, for the rate at which the tilt changes


def tilt_rad(axis: FloatArray) -> float:
    """Angle between an axis (3,), which points out of the hand, and straight down."""
    return math.atan2(math.hypot(axis[0], axis[1]), -axis[2])


def tilt_share(twist: FloatArray, T_base_tool: FloatArray, limit_rad: float, ahead_s: float) -> float:
    """The share of a twist, from 0 to 1, that turns the tool towards its limit no faster than it may.

    Args:
        twist: (6,) of the tool in the base frame [m/s, rad/s].
        T_base_tool: (4, 4) its pose.
        limit_rad: of the tilt; pi is none.
        ahead_s: time over which the rest of the way to the limit may be used up.
    """
    axis = T_base_tool[:3, 2]
    now_rad = tilt_rad(axis)
    rate_rad_s = (tilt_rad(axis + np.cross(twist[3:], axis) * PROBE_S) - now_rad) / PROBE_S
    room_rad_s = max(limit_rad - now_rad, 0.0) / ahead_s
    return min(1.0, room_rad_s / rate_rad_s) if rate_rad_s > 0.0 and limit_rad < math.pi else 1.0
