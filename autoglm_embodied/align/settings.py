"""What the aligner may be told."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError

MS = 1_000_000


@dataclass(frozen=True)
class AlignSettings:
    """Limits, windows and sizes of the aligner; times in nanoseconds.

    A modality whose newest sample came in more than its limit ago is absent.
    """

    arm_joints: int = 7
    finger_joints: int = 2
    vision_limit_ns: int = 200 * MS
    force_limit_ns: int = 50 * MS
    joints_limit_ns: int = 100 * MS
    raw_samples: int = 64
    pyramid_windows_ns: tuple[int, ...] = (8 * MS, 32 * MS, 128 * MS, 512 * MS)
    tare_window_ns: int = 150 * MS
    tare_samples: int = 12  # in the window, at least
    rest_velocity: float = 0.02  # [rad/s] of a joint, [m/s] of a finger, below which it is at rest
    clock_jump_ns: int = 1_000 * MS
    vision_capacity: int = 8
    force_capacity: int = 2_048
    joints_capacity: int = 2_048

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            smallest = min(value, default=0) if isinstance(value, tuple) else value
            if smallest <= 0:
                raise ConfigError(f"AlignSettings.{name} must be above 0, got {value}")
        if list(self.pyramid_windows_ns) != sorted(self.pyramid_windows_ns):
            raise ConfigError(f"AlignSettings.pyramid_windows_ns must grow, got {self.pyramid_windows_ns}")
        if self.raw_samples > self.force_capacity:
            raise ConfigError(f"AlignSettings.raw_samples must be at most force_capacity, got {self.raw_samples}")
