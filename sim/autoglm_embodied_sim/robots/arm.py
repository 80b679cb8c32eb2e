"""The arm as a policy drives its hand: on straight ways that begin and end at rest, in one scene at its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from autoglm_embodied.kinematics import forward_kinematics
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.hand_rig import REST_S, TRAVEL_M_S, HandPose, SuiteRig, minimum_jerk, require_motion
from autoglm_embodied_sim.robots.panda import STEP_NS, TABLE_ORIGIN_M, ArmRig, bare_arm
from autoglm_embodied_sim.robots.servo import PERIOD_S, PERIOD_STEPS, Servo
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import ARM_JOINTS, ROBOT, Sensors

PEAK_SPEED, PEAK_ACCELERATION = 15 / 8, 10 / math.sqrt(3)
"""Of a minimum-jerk motion of length 1 in time 1 (Flash and Hogan, Journal of Neuroscience 5, 1985)."""


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


TIP_BELOW_TOOL_M = 0.0086  # the lower ends of the fingers
GAIN = 10.0  # 1/s, pulls the hand onto its path
ARRIVED_M, ARRIVED_RAD = 0.0004, 0.002
REACHED_M, REACHED_RAD = 0.004, 0.03
LOST_M, LOST_RAD = 0.03, 0.3  # off the path: something is in the way, or the arm cannot reach
ARRIVE_S = 0.4  # after the end of the path, at most
AVERAGED = 24  # readings of a weighing, a whole number of servo periods
ASIDE = HandPose(-0.15, 0.0, 0.39, 0.0)
"""Above the camera's sight, where the arm's home is."""
SET_DOWN_POSES = tuple(HandPose(0.05 * place - 0.05, -0.38, 0.05, 0.0) for place in range(-2, 3))
"""Beside the working area."""


@lru_cache(maxsize=1)
def _aside_rad() -> FloatArray:
    """(n,) joint angles at ASIDE."""
    tool_m = ASIDE.values[:3] + TABLE_ORIGIN_M + [0, 0, TIP_BELOW_TOOL_M]
    return Servo(bare_arm()).solve(tool_m, ASIDE.yaw_rad)


class Arm(SuiteRig):
    """One scene at the arm's table.

    Args:
        objects: what lies on the table.
        hand_eye_m: (3,) how far the camera is believed to be from where it is.
        grip_force_n: of each finger.
        seed: of the sensors' noise.
        surroundings: light and room; the camera stands where its settings say.
        camera: as it is believed to stand; as shipped by default.
        sensors: of wrist and joints, and what `ArmRig.frame` sees; as shipped by default.
        scattered: whether the arm starts a little off, as drawn with the seed, instead of aside.
    """

    tick_s = PERIOD_S
    aside = ASIDE
    set_down_poses = SET_DOWN_POSES

    def __init__(
        self,
        objects: Sequence[SceneObject],
        hand_eye_m: FloatArray,
        grip_force_n: float,
        seed: int,
        surroundings: Surroundings = PLAIN,
        camera: CameraSettings | None = None,
        sensors: Sensors | None = None,
        scattered: bool = False,
    ) -> None:
        self.rig = ArmRig(seed, objects, hand_eye_m, surroundings, camera, sensors)
        settings = self.rig.camera.moved(-TABLE_ORIGIN_M)
        believed, rng = settings.camera(settings.width, settings.height), np.random.default_rng((seed, 2))
        super().__init__(
            self.rig.model, self.rig.data, len(objects), ("camera", believed), grip_force_n, rng, TABLE_ORIGIN_M
        )
        if not scattered:
            self.rig.reset(_aside_rad())

    @property
    def time_ns(self) -> int:
        """Simulated time since the rig was made."""
        return self.rig.time_ns

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are, as the joints' encoders say."""
        return hand_pose(self._T_base_tool(), self.rig.joints()[0])

    @property
    def width_m(self) -> float:
        """The opening, as the fingers' encoders say."""
        return float(self.rig.joints()[0][ARM_JOINTS:].sum())

    @property
    def watch(self) -> Callable[[], None] | None:
        """See SuiteRig."""
        return self.rig.watch

    @watch.setter
    def watch(self, watch: Callable[[], None] | None) -> None:
        self.rig.watch = watch

    def weigh(self) -> FloatArray:
        """See SuiteRig."""
        self.wait(REST_S)
        self.rig.step(AVERAGED)
        return np.asarray(self.rig.wrenches().mean(axis=0) - self._bias)

    def wait(self, seconds: float) -> None:
        """Stand still."""
        self.rig.step(PERIOD_STEPS * round(seconds / PERIOD_S))

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """Go straight to a pose, smoothly; stop where the wrist feels more than `guard_n`, or the arm cannot go on.

        Returns:
            Whether the pose was reached.
        """
        require_motion(speed_m_s, guard_n)
        path, most_n = StraightPath(self.pose, pose, speed_m_s), math.inf if guard_n is None else guard_n
        for period in range(math.ceil((path.seconds + ARRIVE_S) / PERIOD_S)):
            now_s = period * PERIOD_S
            here, there = path.at(now_s), path.at(now_s + PERIOD_S)
            error = self._error(here)
            if within(error, ARRIVED_M, ARRIVED_RAD) and now_s >= path.seconds:
                break
            twist, velocity = GAIN * error, (there - here) / PERIOD_S  # along the path, and a pull onto it
            twist[[0, 1, 2, 5]] += velocity
            self.rig.command(twist, self.rig.gripper_command_m)
            self.rig.step(PERIOD_STEPS)
            if not within(error, LOST_M, LOST_RAD) or self._felt_n() > most_n:
                self.rig.halt()
                return False
        self.rig.command(np.zeros(6), self.rig.gripper_command_m)
        return within(self._error(pose.values), REACHED_M, REACHED_RAD)

    def drive(self, twist: FloatArray, seconds: float) -> None:
        """See SuiteRig."""
        self.rig.command(twist, self.rig.gripper_command_m)
        self.rig.step(round(seconds * 1e9 / STEP_NS))

    def close(self) -> None:
        """See SuiteRig."""
        self.rig.close()
        super().close()

    def _ask_width(self, width_m: float) -> None:
        self.rig.grip(width_m)

    def _finger_speed_m_s(self) -> float:
        return abs(float(self.rig.joints()[1][ARM_JOINTS:].sum()))

    def _T_base_tool(self) -> FloatArray:
        return forward_kinematics(ROBOT, self.rig.joints()[0][:ARM_JOINTS])

    def _error(self, wanted: FloatArray) -> FloatArray:
        return pose_error(self._T_base_tool(), wanted)

    def _felt_n(self) -> float:
        """The largest force of the last period's readings."""
        force_n = self.rig.wrenches()[:, :3] - self._bias[:3]
        return float(np.linalg.norm(force_n, axis=1).max(initial=0.0))


def hand_pose(T_base_tool: FloatArray, joint_rad: FloatArray) -> HandPose:
    """Where the fingertips are in the table frame.

    Args:
        T_base_tool: (4, 4) pose of the tool.
        joint_rad: (n,) the arm's joints first.
    """
    x, y, z = (float(value) for value in _tip_m(T_base_tool))
    yaw = math.atan2(T_base_tool[1, 0], T_base_tool[0, 0])
    first, last = joint_rad[[0, ARM_JOINTS - 1]]
    turned = math.pi / 4 + first - last  # the yaw, more or less, without a jump at half a turn
    return HandPose(x, y, z, float(yaw + 2 * math.pi * round((turned - yaw) / (2 * math.pi))))


def pose_error(T_base_tool: FloatArray, wanted: FloatArray) -> FloatArray:
    """(6,) from where the hand is to where it should be: tips [m], then rotation vector [rad].

    Args:
        T_base_tool: (4, 4) pose of the tool.
        wanted: (4,) x, y, z, yaw of the tips, table frame.
    """
    x, y, z, yaw = wanted.tolist()
    turned, cos, sin = T_base_tool[:3, :3], math.cos(yaw), math.sin(yaw)
    pointing = np.array([[cos, sin, 0.0], [sin, -cos, 0.0], [0.0, 0.0, -1.0]])
    error = np.empty(6)
    error[:3] = np.array([x, y, z]) - _tip_m(T_base_tool)
    turn = pointing @ turned.T
    error[3:] = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
    error[3:] *= 0.5  # exact to the third order of the angle
    return error


def _tip_m(T_base_tool: FloatArray) -> FloatArray:
    """(3,) the point between the lower ends of the fingers, table frame."""
    return np.asarray(T_base_tool[:3, 3] + TIP_BELOW_TOOL_M * T_base_tool[:3, 2] - TABLE_ORIGIN_M)


def within(error: FloatArray, metres: float, radians: float) -> bool:
    """Whether no part of a pose error (6,) is as large as this."""
    return bool(np.abs(error[:3]).max() < metres and np.abs(error[3:]).max() < radians)
