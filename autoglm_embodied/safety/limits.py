"""What the governor never lets pass."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from autoglm_embodied.errors import ConfigError

MS = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Bounds of what may reach the robot. Positions are those of the tool in the base frame."""

    max_linear_m_s: float = 0.30
    max_angular_rad_s: float = 1.0
    max_linear_m_s2: float = 2.0
    max_angular_rad_s2: float = 8.0
    workspace_lower_m: tuple[float, ...] = (0.2, -0.45, 0.004)
    workspace_upper_m: tuple[float, ...] = (0.75, 0.45, 0.8)
    workspace_ahead_s: float = 0.1  # the tool may not get closer to the edge than it can stop from within this
    max_force_n: float = 40.0  # beyond the wrench at start-up
    release_force_n: float = 30.0  # below which motion is free again
    bias_samples: int = 100  # wrenches whose mean is the one at start-up
    max_gripper_width_m: float = 0.08
    policy_timeout_ns: int = 100 * MS
    sensor_timeout_ns: int = 100 * MS

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, tuple) and not (isfinite(value) and value > 0):
                raise ConfigError(f"Limits.{name} must be finite and above 0, got {value}")
        corners = self.workspace_lower_m + self.workspace_upper_m
        if len(self.workspace_lower_m) != 3 or len(corners) != 6 or not all(map(isfinite, corners)):
            raise ConfigError("Limits.workspace_lower_m and workspace_upper_m must hold 3 finite numbers each")
        if any(low >= high for low, high in zip(self.workspace_lower_m, self.workspace_upper_m, strict=True)):
            raise ConfigError("Limits.workspace_lower_m must lie below workspace_upper_m in x, y and z")
        if self.release_force_n > self.max_force_n:
            raise ConfigError(f"Limits.release_force_n must be at most max_force_n, got {self.release_force_n}")
