"""Parts of scripts: the tool to a place, down until a support is felt, the fingers open or shut, and rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.policy.motion_episode import MotionFailed, Part, Sensed, Step
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.types import FloatArray

GAIN_PER_S = 2.5
ARRIVED_M, ARRIVED_RAD, ARRIVED_TICKS = 0.004, 0.02, 3
NEARER_M = 0.002  # or as many radians times ten, which counts as having come nearer
METRES_PER_RAD = 0.1
SETTLE_S = 0.4  # until the arm is at rest and its vibration does not count for the longest window of a weighing
STILL_M_S, STILL_S, GRIP_S = 0.004, 0.3, 3.0  # of the fingers: at rest for so long, and the longest that they take
START_S = 0.6  # until fingers that squeeze something have begun to follow a command
LET_GO_M = 0.01  # fingers that opened by more than this have let go
DOWN = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class ActionSettings:
    """How goals take turns, and how the arm moves for all but a grasp; positions are in the base frame."""

    preempt: bool = setting(True, "whether a later goal takes the place of the running one; else it is refused")
    put_down_first: bool = setting(
        False, "whether a grasp with something in the hand puts that down where it is; else it asks"
    )
    timeout_s: float = setting(60.0, "longest time of a place, a release, home or a step", least=1.0, most=600.0)
    stall_s: float = setting(2.0, "time without coming nearer, after which a motion ends", least=0.1, most=60.0)
    travel_m_s: float = setting(0.15, "speed of the tool on its way", least=0.005, most=1.0)
    turn_rad_s: float = setting(0.5, "turning speed of the tool", least=0.01, most=3.0)
    lower_m_s: float = setting(0.012, "speed downwards, while a support is felt for", least=0.002, most=0.2)
    contact_n: float = setting(2.0, "what a support takes of the weight, or presses beyond it", least=0.2, most=50.0)
    above_m: float = setting(0.15, "height over a reference at which the tool travels", least=0.0, most=1.0)
    beside_m: float = setting(0.1, "from the middle of a reference to what is put beside it", least=0.01, most=1.0)
    back_off_m: float = setting(0.08, "height to which the open hand rises after a place", least=0.01, most=0.5)
    tray_xy_m: tuple[float, ...] = setting((0.0, 0.0), "middle of the tray; 0 0: none", least=-10.0, most=10.0)
    hand_over_m: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), "where the tool hands over, x y z; 0 0 0: nowhere", least=-10.0, most=10.0
    )
    pull_n: float = setting(5.0, "force beyond the weight, in any direction, that takes it", least=0.5, most=30.0)
    hand_over_s: float = setting(20.0, "time in which it is to be taken", least=1.0, most=600.0)
    open_width_m: float = setting(0.08, "opening of the gripper", least=0.001, most=0.5)
    little_width_m: float = setting(0.01, "a little, of opening or closing the gripper", least=0.001, most=0.2)
    step_m: float = setting(0.05, "a jog without a distance", least=0.001, most=0.5)
    little_m: float = setting(0.02, "a little, of a jog", least=0.001, most=0.5)
    most_step_m: float = setting(0.15, "longest jog", least=0.001, most=1.0)
    step_deg: float = setting(30.0, "a rotation without an angle", least=1.0, most=180.0)
    little_deg: float = setting(10.0, "a little, of a rotation", least=1.0, most=180.0)
    most_step_deg: float = setting(90.0, "largest rotation", least=1.0, most=180.0)

    def __post_init__(self) -> None:
        check_ranges(self, "actions")
        for name, count in (("tray_xy_m", 2), ("hand_over_m", 3)):
            if len(getattr(self, name)) != count:
                raise ConfigError(f"actions.{name} must hold {count} numbers, got {len(getattr(self, name))}")


def rest(sensed: Sensed, phase: str, seconds: float = SETTLE_S) -> Part:
    """Stand still.

    Args:
        sensed: now.
        phase: to tell.
        seconds: for how long.
    """
    began_ns = sensed.now_ns
    while (sensed.now_ns - began_ns) / 1e9 < seconds:
        sensed = yield Step(phase)
    return sensed


def move_to(sensed: Sensed, phase: str, T_base_goal: FloatArray, settings: ActionSettings) -> Part:
    """Bring the tool to a pose on a straight line; it fails where it comes no nearer.

    Args:
        sensed: now.
        phase: to tell.
        T_base_goal: (4, 4) pose of the tool in the base frame.
        settings: speeds.
    """
    nearest, nearer_ns, arrived = np.inf, sensed.now_ns, 0
    while arrived < ARRIVED_TICKS:
        error = pose_error(sensed.arm.T_base_tool, T_base_goal)
        off_m, off_rad = np.linalg.norm(error[:3]), np.linalg.norm(error[3:])
        arrived = arrived + 1 if off_m < ARRIVED_M and off_rad < ARRIVED_RAD else 0
        left = float(off_m + METRES_PER_RAD * off_rad)
        if left < nearest - NEARER_M:
            nearest, nearer_ns = left, sensed.now_ns
        elif (sensed.now_ns - nearer_ns) / 1e9 > settings.stall_s:
            raise MotionFailed(
                Outcome.BLOCKED,
                f"The arm comes no nearer, {off_m * 100:.0f} cm and {np.degrees(off_rad):.0f} degrees from where it is "
                "to be; see what limits it in the governor's diagnostics.",
            )
        slow = (_bounded(error[:3], settings.travel_m_s), _bounded(error[3:], settings.turn_rad_s))
        sensed = yield Step(phase, np.concatenate(slow))
    return sensed


def grip(sensed: Sensed, phase: str, width_m: float) -> Part:
    """Open or close the fingers until they rest, or have had their time.

    Args:
        sensed: now.
        phase: to tell.
        width_m: to command.
    """
    began_ns = sensed.now_ns
    moved_ns = began_ns + round(START_S * 1e9)
    while (sensed.now_ns - moved_ns) / 1e9 < STILL_S and (sensed.now_ns - began_ns) / 1e9 < GRIP_S:
        sensed = yield Step(phase, gripper_width_m=width_m)
        if abs(sensed.arm.gripper_velocity_m_s) >= STILL_M_S:
            moved_ns = sensed.now_ns
    return sensed


def pose_error(T_base_tool: FloatArray, T_base_goal: FloatArray) -> FloatArray:
    """(6,) way from one pose (4, 4) to another: translation, then rotation vector, in the base frame [m, rad]."""
    turn = Rotation.from_matrix(T_base_goal[:3, :3] @ T_base_tool[:3, :3].T).as_rotvec()
    return np.concatenate([T_base_goal[:3, 3] - T_base_tool[:3, 3], turn])


def _bounded(error: FloatArray, most: float) -> FloatArray:
    wanted = GAIN_PER_S * error
    return wanted * min(1.0, most / max(float(np.linalg.norm(wanted)), 1e-12))
