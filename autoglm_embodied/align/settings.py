"""Settings of the aligner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError

MS = 1_000_000
ANY_SIGN = {"tool_centre_m": 3, "tool_quaternion_sensor": 4, "stuck_detection": 0, "map_clocks": 0}
"""Settings that may be negative, and how many numbers each holds."""
MAY_BE_ZERO = ("vision_extrapolation_ns", "tool_mass_kg", "force_range_n", "torque_range_n_m")


@dataclass(frozen=True)
class AlignSettings:
    """Limits, windows and sizes of the aligner; times in nanoseconds.

    A modality is absent when its newest sample was received longer ago than its `*_limit_ns`, and at an instant within
    a gap longer than that; and when the newest stamp is more than `late_limit_ns` before the tick, or `ahead_limit_ns`
    ahead of its time of receipt, for then it is of another clock. A setting that may be 0 is switched off by 0.
    """

    arm_joints: int = 7
    finger_joints: int = 2
    vision_limit_ns: int = 200 * MS
    vision_extrapolation_ns: int = 0  # longest extrapolation of visual latents, at most one frame period
    force_limit_ns: int = 50 * MS
    joints_limit_ns: int = 100 * MS
    language_validity_ns: int = 120_000 * MS
    raw_samples: int = 64
    pyramid_windows_ns: tuple[int, ...] = (8 * MS, 32 * MS, 128 * MS, 512 * MS)
    tare_window_ns: int = 150 * MS
    tare_samples: int = 12  # least number in the window
    rest_velocity: float = 0.02  # [rad/s] of a joint, [m/s] of a finger, below which it is at rest
    tool_mass_kg: float = 0.0  # of everything mounted on the sensor; its weight is compensated as the arm turns
    tool_centre_m: tuple[float, ...] = (0.0, 0.0, 0.0)  # centre of mass in the sensor's frame
    tool_quaternion_sensor: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)  # R_tool_sensor as x y z w
    force_range_n: float = 0.0  # measuring range, either sign: a wrench that reaches it is saturated
    torque_range_n_m: float = 0.0
    stuck_detection: bool = True  # a reading that is constant to the last bit for the longest window is a fault
    clock_jump_ns: int = 1_000 * MS
    late_limit_ns: int = 400 * MS
    ahead_limit_ns: int = 150 * MS
    map_clocks: bool = False  # whether stamps beyond these limits are placed by when their messages were received
    vision_capacity: int = 8
    force_capacity: int = 2_048
    joints_capacity: int = 2_048

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            smallest = min(value, default=0) if isinstance(value, tuple) else value
            if name in MAY_BE_ZERO and smallest < 0:
                raise ConfigError(f"AlignSettings.{name} must not be below 0, got {value}")
            if name not in (*MAY_BE_ZERO, *ANY_SIGN) and smallest <= 0:
                raise ConfigError(f"AlignSettings.{name} must be above 0, got {value}")
        if list(self.pyramid_windows_ns) != sorted(self.pyramid_windows_ns):
            raise ConfigError(f"AlignSettings.pyramid_windows_ns must grow, got {self.pyramid_windows_ns}")
        if self.raw_samples > self.force_capacity:
            raise ConfigError(f"AlignSettings.raw_samples must be at most force_capacity, got {self.raw_samples}")
        for name, count in ANY_SIGN.items():
            value = getattr(self, name)
            if count and (len(value) != count or not all(map(math.isfinite, value))):
                raise ConfigError(f"AlignSettings.{name} must be {count} finite numbers, got {value}")
        if not any(self.tool_quaternion_sensor):
            raise ConfigError("AlignSettings.tool_quaternion_sensor must not be all zero; use 0 0 0 1 for no turn")
