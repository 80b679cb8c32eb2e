"""The arm as a policy drives its hand: on straight ways that begin and end at rest, in one scene at its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from autoglm_embodied.grasping.hand import REST_S, TRAVEL_M_S, HandPose
from autoglm_embodied.grasping.hand_path import (
    ARRIVED,
    LOST,
    REACHED,
    StraightPath,
    TableFrame,
    within,
)
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.arm_rig import STEP_NS, TABLE_ORIGIN_M, ArmRig, bare_arm
from autoglm_embodied_sim.robots.hand_rig import SuiteRig, require_motion
from autoglm_embodied_sim.robots.servo import PERIOD_S, PERIOD_STEPS, Servo
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import PANDA, Sensors

GAIN = 10.0  # 1/s, pulls the hand onto its path
ARRIVE_S = 0.4  # after the end of the path, at most
AVERAGED = 24  # readings of a weighing, a whole number of servo periods
WORKPLACE = WorkArea().workplace(PANDA)
ASIDE = WORKPLACE.aside
"""Above the camera's sight, where the arm's home is."""


@lru_cache(maxsize=2)
def _aside_rad(robot: Robot) -> FloatArray:
    """(n,) joint angles at ASIDE."""
    tool_m = ASIDE.values[:3] + TABLE_ORIGIN_M + [0, 0, robot.fingertip_m]
    return Servo(bare_arm(robot), robot).solve(tool_m, ASIDE.yaw_rad)


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
        robot: the arm.
    """

    tick_s = PERIOD_S
    aside = ASIDE
    set_down_poses, half_size_m = WORKPLACE.set_down_poses, WORKPLACE.half_size_m

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
        robot: Robot = PANDA,
    ) -> None:
        self.robot, self._frame = robot, TableFrame(TABLE_ORIGIN_M, robot.fingertip_m)
        home_rad = np.array(robot.home_rad)
        home = self._frame.hand_pose(forward_kinematics(robot, home_rad))
        self._yaw_at_zero_rad = home.yaw_rad - home_rad[0] + home_rad[-1]
        self.rig = ArmRig(seed, objects, hand_eye_m, surroundings, camera, sensors, robot)
        settings = self.rig.camera.moved(-TABLE_ORIGIN_M)
        believed, rng = settings.camera(settings.width, settings.height), np.random.default_rng((seed, 2))
        super().__init__(
            self.rig.model, self.rig.data, len(objects), ("camera", believed), grip_force_n, rng, TABLE_ORIGIN_M
        )
        if not scattered:
            self.rig.reset(_aside_rad(robot))

    @property
    def time_ns(self) -> int:
        """Simulated time since the rig was made."""
        return self.rig.time_ns

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are, as the joints' encoders say, however far the hand was turned."""
        joint_rad = self.rig.joints()[0][: self.robot.joints]
        pose = self._frame.hand_pose(forward_kinematics(self.robot, joint_rad))
        turned = self._yaw_at_zero_rad + joint_rad[0] - joint_rad[-1]  # the yaw, more or less, without a jump
        return replace(pose, yaw_rad=float(pose.yaw_rad + 2 * math.pi * round((turned - pose.yaw_rad) / (2 * math.pi))))

    @property
    def width_m(self) -> float:
        """The opening, as the fingers' encoders say."""
        return float(self.rig.joints()[0][self.robot.joints :].sum())

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
        return np.asarray(self._readings().mean(axis=0) - self._bias)

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
            if within(error, ARRIVED) and now_s >= path.seconds:
                break
            twist, velocity = GAIN * error, (there - here) / PERIOD_S  # along the path, and a pull onto it
            twist[[0, 1, 2, 5]] += velocity
            self.rig.command(twist, self.rig.gripper_command_m)
            self.rig.step(PERIOD_STEPS)
            if not within(error, LOST) or self._felt_n() > most_n:
                self.rig.halt()
                return False
        self.rig.command(np.zeros(6), self.rig.gripper_command_m)
        return within(self._error(pose.values), REACHED)

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
        return abs(float(self.rig.joints()[1][self.robot.joints :].sum()))

    def _T_base_tool(self) -> FloatArray:
        return forward_kinematics(self.robot, self.rig.joints()[0][: self.robot.joints])

    def _error(self, wanted: FloatArray) -> FloatArray:
        return self._frame.pose_error(self._T_base_tool(), wanted)

    def _readings(self) -> FloatArray:
        """(n, 6) of the wrist in the last step, or what is told in their place."""
        readings = self.rig.wrenches()
        return readings if self.told is None else self.told(readings)

    def _felt_n(self) -> float:
        """The largest force of the last period's readings."""
        force_n = self._readings()[:, :3] - self._bias[:3]
        return float(np.linalg.norm(force_n, axis=1).max(initial=0.0))
