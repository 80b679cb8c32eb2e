"""Settings of the aligner."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.setting import check_ranges, setting

MS = 1_000_000
S = 1_000 * MS
NUMBERS = {"tool_centre_m": 3, "tool_quaternion_sensor": 4}
"""How many each setting holds."""


@dataclass(frozen=True)
class AlignSettings:
    """Limits, windows and sizes of the aligner; times in nanoseconds.

    A modality is absent when its newest sample was received longer ago than its `*_limit_ns`, and at an instant within
    a gap longer than that; and when the newest stamp is more than `late_limit_ns` before the tick, or `ahead_limit_ns`
    ahead of its time of receipt, for then it is of another clock. A setting that may be 0 is switched off by 0.
    """

    arm_joints: int = setting(7, "joints of the arm; the robot's file overrules it", least=1, most=64)
    finger_joints: int = setting(2, "joints of the gripper; the robot's file overrules it", least=1, most=64)
    vision_limit_ns: int = setting(200 * MS, "age from which on the image is absent", least=MS, most=60 * S)
    vision_extrapolation_ns: int = setting(
        0, "longest extrapolation of visual latents, at most one frame period; 0: none", least=0, most=S
    )
    force_limit_ns: int = setting(50 * MS, "age from which on the wrench is absent", least=MS, most=60 * S)
    joints_limit_ns: int = setting(100 * MS, "age from which on the joint state is absent", least=MS, most=60 * S)
    language_validity_ns: int = setting(120 * S, "age from which on an instruction is absent", least=MS, most=3600 * S)
    raw_samples: int = setting(64, "newest wrenches that are told one by one", least=1, most=8192)
    pyramid_windows_ns: tuple[int, ...] = setting(
        (8 * MS, 32 * MS, 128 * MS, 512 * MS),
        "lengths of the windows of the force pyramid, growing",
        least=1,
        most=60 * S,
    )
    tare_window_ns: int = setting(150 * MS, "newest time whose mean wrench is the zero", least=MS, most=60 * S)
    tare_samples: int = setting(12, "least number of joint states and wrenches in it", least=1, most=8192)
    rest_velocity: float = setting(
        0.02, "speed of a joint [rad/s] or finger [m/s] below which it is at rest", least=1e-6, most=1.0
    )
    tool_mass_kg: float = setting(
        0.0,
        "mass of all that is mounted on the sensor, whose weight is compensated as the arm turns",
        least=0.0,
        most=50.0,
    )
    tool_centre_m: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), "its centre, x y z in the sensor's frame", least=-10.0, most=10.0
    )
    tool_quaternion_sensor: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0, 1.0), "orientation of the sensor in the tool frame, x y z w", least=-1e6, most=1e6
    )
    force_range_n: float = setting(
        0.0, "measuring range of a force, either sign: what reaches it is saturated; 0: unknown", least=0.0, most=1e5
    )
    torque_range_n_m: float = setting(0.0, "likewise of a torque; 0: unknown", least=0.0, most=1e5)
    stuck_detection: bool = setting(
        True, "whether a wrench that is constant to the last bit for the longest window is a fault"
    )
    clock_jump_ns: int = setting(
        S, "jump of the stamps after which a stream's samples are dropped", least=MS, most=3600 * S
    )
    late_limit_ns: int = setting(
        400 * MS, "how far stamps may be behind the tick before they are of another clock", least=MS, most=3600 * S
    )
    ahead_limit_ns: int = setting(150 * MS, "how far they may be ahead of their receipt", least=MS, most=3600 * S)
    map_clocks: bool = setting(
        False, "whether stamps beyond these limits are placed by when their messages were received"
    )
    vision_capacity: int = setting(8, "images that are kept", least=1, most=1024)
    force_capacity: int = setting(2_048, "wrenches that are kept", least=1, most=1 << 20)
    joints_capacity: int = setting(2_048, "joint states that are kept", least=1, most=1 << 20)

    def __post_init__(self) -> None:
        check_ranges(self, "align")
        if not self.pyramid_windows_ns or list(self.pyramid_windows_ns) != sorted(self.pyramid_windows_ns):
            raise ConfigError(f"align.pyramid_windows_ns must grow, got {self.pyramid_windows_ns}")
        if self.raw_samples > self.force_capacity:
            raise ConfigError(f"align.raw_samples must be at most force_capacity, got {self.raw_samples}")
        for name, count in NUMBERS.items():
            if len(getattr(self, name)) != count:
                raise ConfigError(f"align.{name} must be {count} numbers, got {getattr(self, name)}")
        if not any(self.tool_quaternion_sensor):
            raise ConfigError("align.tool_quaternion_sensor must not be all zero; use 0 0 0 1 for no turn")
