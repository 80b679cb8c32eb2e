"""The limits that the governor keeps, and its reasons to change a command."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.setting import about, check_ranges, setting

MS = 1_000_000
PAIRS = (
    ("release_force_n", "max_force_n"),
    ("release_torque_n_m", "max_torque_n_m"),
    ("singularity_slow", "singularity_stop"),
)
"""The first must not be above the second."""
REACH_M = 10.0  # beyond which no workspace reaches


def _upper(default: Any, description: str, least: float, most: float) -> Any:
    return setting(default, description, least=least, most=most, live=True, stricter=-1)


def _lower(default: Any, description: str, least: float, most: float) -> Any:
    return setting(default, description, least=least, most=most, live=True, stricter=1)


@dataclass(frozen=True)
class Limits:
    """Bounds of the commands that reach the robot. Positions are of the tool in the base frame."""

    max_linear_m_s: float = _upper(0.30, "speed of the tool", 0.001, 3.0)
    max_angular_rad_s: float = _upper(1.0, "turning speed of the tool", 0.001, 6.3)
    speed_share: float = _upper(1.0, "share of both speeds; 0.1 for the first motion of a robot", 0.01, 1.0)
    max_linear_m_s2: float = _upper(2.0, "acceleration of the tool; deceleration is immediate", 0.01, 50.0)
    max_angular_rad_s2: float = _upper(8.0, "angular acceleration of the tool", 0.01, 200.0)
    workspace_lower_m: tuple[float, ...] = _lower(
        (0.2, -0.45, 0.004), "lower corner of the workspace, x y z in the base frame", -REACH_M, REACH_M
    )
    workspace_upper_m: tuple[float, ...] = _upper(
        (0.75, 0.45, 0.8), "upper corner of the workspace, x y z in the base frame", -REACH_M, REACH_M
    )
    workspace_ahead_s: float = _lower(
        0.1, "speed towards an edge of the workspace is at most the distance to it over this time", 0.001, 10.0
    )
    joint_ahead_s: float = _lower(
        0.1, "speed towards a joint's limit, or of parts towards each other: likewise", 0.001, 10.0
    )
    joint_margin_rad: float = _lower(0.03, "distance to keep from the limits of the joints", 0.0, 1.0)
    singularity_slow: float = _upper(
        40.0, "condition number of the Jacobian from which motion towards a singularity is slowed", 1.0, 1e6
    )
    singularity_stop: float = _upper(80.0, "condition number at which it is stopped", 1.0, 1e6)
    clearance_m: float = _lower(0.01, "distance that parts of the arm keep from each other and the table", 0.0, 0.5)
    table_m: float = _lower(0.0, "height of the table in the base frame", -REACH_M, REACH_M)
    max_force_n: float = _upper(
        40.0, "force above that of the empty hand, beyond which the tool may only go back or up", 0.1, 1000.0
    )
    back_off_m: float = _upper(0.005, "how far the tool backs off along the way it came", 0.0, 0.1)
    release_force_n: float = _upper(30.0, "force below which motion is free again", 0.1, 1000.0)
    max_torque_n_m: float = _upper(
        10.0, "torque above that of the empty hand, beyond which the tool may only go back or up", 0.01, 500.0
    )
    release_torque_n_m: float = _upper(
        8.0, "torque below which motion is free again; from here to max_torque_n_m it is slowed", 0.01, 500.0
    )
    max_tilt_rad: float = _upper(math.pi, "angle of the tool from pointing straight down; pi: any", 0.0, math.pi)
    tilt_ahead_s: float = _lower(0.1, "speed of a tilt is at most the angle left over this time", 0.001, 10.0)
    bias_samples: int = setting(100, "wrenches whose mean zeroes the sensor", least=1, most=100_000)
    least_width_m: float = setting(0.006, "opening of the gripper below which it is empty", least=0.0, most=1.0)
    open_width_m: float = setting(0.074, "opening of the gripper above which it is empty", least=0.001, most=1.0)
    hand_mass_kg: float = setting(0.0, "mass that an empty hand puts on the wrist; 0: unknown", least=0.0, most=50.0)
    max_gripper_width_m: float = _upper(0.08, "opening of the gripper", 0.001, 1.0)
    policy_timeout_ns: int = _upper(35 * MS, "age of a command at which the arm stops", MS, 10_000 * MS)
    sensor_timeout_ns: int = _upper(100 * MS, "age of a joint state at which the arm stops", MS, 10_000 * MS)
    wrench_timeout_ns: int = _upper(
        15 * MS, "age of a wrench at which the arm stops; some of the sensor's periods", MS, 10_000 * MS
    )
    wrench_stuck_ns: int = _upper(
        80 * MS, "time without a changed bit in the wrench, after which the arm stops", MS, 3_600_000 * MS
    )

    def __post_init__(self) -> None:
        check_ranges(self, "limits")
        if len(self.workspace_lower_m) != 3 or len(self.workspace_upper_m) != 3:
            raise ConfigError("limits.workspace_lower_m and workspace_upper_m must hold 3 numbers each")
        if any(low >= high for low, high in zip(self.workspace_lower_m, self.workspace_upper_m, strict=True)):
            raise ConfigError("limits.workspace_lower_m must lie below workspace_upper_m in x, y and z")
        for low, high in PAIRS:
            if getattr(self, low) > getattr(self, high):
                raise ConfigError(f"limits.{low} must be at most {high}, got {getattr(self, low)}")

    def check_no_laxer_than(self, before: Limits) -> None:
        """ConfigError where one of these limits allows more than that of `before`."""
        for field in fields(self):
            old, new, stricter = getattr(before, field.name), getattr(self, field.name), about(field).stricter
            if (stricter * np.subtract(new, old) < 0.0).any():
                bound = f"{'most' if stricter < 0 else 'least'} {old}"
                raise ConfigError(
                    f"limits.{field.name} must be at {bound} while the arm moves, got {new}; stop it first"
                )


class Reason(Enum):
    """Why the safe command differs from the policy's."""

    STOPPED = "stopped"
    DEADMAN = "deadman released"
    NOT_RESTED = "policy not at rest since the stop"
    POLICY_SILENT = "policy silent"
    POLICY_NOT_FINITE = "policy not finite"
    JOINTS_SILENT = "joints silent"
    WRENCH_SILENT = "wrench silent"
    WRENCH_STUCK = "wrench stuck"
    NOT_ZEROED = "wrench not zeroed"
    SPEED = "speed"
    ACCELERATION = "acceleration"
    WORKSPACE = "workspace"
    FORCE = "force"
    TORQUE = "torque"
    TILT = "tilt of the tool"
    JOINT_LIMIT = "joint limit"
    JOINT_SPEED = "joint speed"
    SINGULARITY = "singularity"
    COLLISION = "collision of the arm"
