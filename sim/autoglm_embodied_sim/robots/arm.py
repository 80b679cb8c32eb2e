"""A straight way of the hand, which begins and ends at rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied_sim.robots.hand_rig import TRAVEL_M_S, HandPose
from autoglm_embodied_sim.robots.object_state import ObjectState
from autoglm_embodied_sim.robots.panda import STEP_NS, ArmRig
from autoglm_embodied_sim.robots.panda_model import ARM_JOINTS, TABLE_ORIGIN_M, bare_arm
from autoglm_embodied_sim.robots.servo import PERIOD_S, PERIOD_STEPS, Servo
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.object_camera import ObjectCamera
from autoglm_embodied_sim.sensors.sensor_specs import Sensors
from autoglm_embodied_sim.sensors.view import View

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


TIP_BELOW_TOOL_M = 0.0086  # the lower ends of the fingers
GAIN = 10.0  # 1/s, pulls the hand onto its path
ARRIVED_M, ARRIVED_RAD = 0.0004, 0.002
REACHED_M, REACHED_RAD = 0.004, 0.03
LOST_M, LOST_RAD = 0.03, 0.3  # off the path: something is in the way, or the arm cannot reach
ARRIVE_S = 0.4  # after the end of the path, at most
REST_S = 0.16  # a wrench read while the hand still slows down is off by a newton
AVERAGED = 24  # readings of a weighing, a whole number of servo periods
GRIP_S, STILL_S, STILL_M_S = 1.5, 0.06, 0.004
ASIDE = HandPose(-0.15, 0.0, 0.39, 0.0)
"""Above the camera's sight, where the arm's home is."""
SET_DOWN_POSES = tuple(HandPose(0.05 * place - 0.05, -0.38, 0.05, 0.0) for place in range(-2, 3))
"""Beside the working area."""


@lru_cache(maxsize=1)
def _aside_rad() -> FloatArray:
    """(n,) joint angles at ASIDE."""
    tool_m = ASIDE.values[:3] + TABLE_ORIGIN_M + [0, 0, TIP_BELOW_TOOL_M]
    return Servo(bare_arm()).solve(tool_m, ASIDE.yaw_rad)


class Arm:
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
        self.model, self.data = self.rig.model, self.rig.data
        gripper = self.model.actuator("gripper").id
        self.model.actuator_forcerange[gripper] = [-2 * grip_force_n, 2 * grip_force_n]  # its tendon halves it
        self.origin_m: FloatArray = TABLE_ORIGIN_M
        self.truth = ObjectState(self.model, len(objects), TABLE_ORIGIN_M)
        self._robot = Robot.from_file(shipped("panda.yaml"))
        self._rng = np.random.default_rng((seed, 2))
        self._camera: ObjectCamera | None = None
        self._bias = np.zeros(6)
        if not scattered:
            self.rig.reset(_aside_rad())

    @property
    def time_ns(self) -> int:
        """Simulated time since the rig was made."""
        return self.rig.time_ns

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are, as the joints' encoders say."""
        T_base_tool = self._T_base_tool()
        x, y, z = (float(value) for value in _tip_m(T_base_tool))
        yaw = math.atan2(T_base_tool[1, 0], T_base_tool[0, 0])
        first, last = self.rig.joints()[0][[0, ARM_JOINTS - 1]]
        turned = math.pi / 4 + first - last  # the yaw, more or less, without a jump at half a turn
        return HandPose(x, y, z, float(yaw + 2 * math.pi * round((turned - yaw) / (2 * math.pi))))

    @property
    def width_m(self) -> float:
        """The opening, as the fingers' encoders say."""
        return float(self.rig.joints()[0][ARM_JOINTS:].sum())

    @property
    def aside(self) -> HandPose:
        """Out of the camera's sight."""
        return ASIDE

    @property
    def set_down_poses(self) -> Sequence[HandPose]:
        """Beside the working area."""
        return SET_DOWN_POSES

    def look(self) -> View:
        """An image from the camera in front of the robot."""
        return self.eye().view(self.data, self.time_ns, self._rng)

    def eye(self) -> ObjectCamera:
        """The camera, made when it is first needed."""
        if self._camera is None:
            self._camera = ObjectCamera(self.model, "camera", self._believed(), self.truth.object_of_geom)
        return self._camera

    @property
    def watch(self) -> Callable[[], None] | None:
        """Called after every step; it may read, and change nothing."""
        return self.rig.watch

    @watch.setter
    def watch(self, watch: Callable[[], None] | None) -> None:
        self.rig.watch = watch

    def tare(self) -> None:
        """Call what the wrist carries now nothing; the hand must be at rest."""
        self._bias += self.weigh()

    def weigh(self) -> FloatArray:
        """(6,) the wrench at rest, averaged, in the hand's frame [N, N·m], z down, less what was tared."""
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
        path, most_n = StraightPath(self.pose, pose, speed_m_s), math.inf if guard_n is None else guard_n
        for period in range(math.ceil((path.seconds + ARRIVE_S) / PERIOD_S)):
            now_s = period * PERIOD_S
            here, there = path.at(now_s), path.at(now_s + PERIOD_S)
            error = self._error(here)
            if _within(error, ARRIVED_M, ARRIVED_RAD) and now_s >= path.seconds:
                break
            self._follow((there - here) / PERIOD_S, error)
            if not _within(error, LOST_M, LOST_RAD) or self._felt_n() > most_n:
                self.rig.halt()
                return False
        self.rig.command(np.zeros(6), self.rig.gripper_command_m)
        return _within(self._error(pose.values), REACHED_M, REACHED_RAD)

    def drive(self, twist: FloatArray, seconds: float) -> None:
        """Move the hand with a twist (6,) [m/s, rad/s, table frame] for so long, whatever it meets."""
        self.rig.command(twist, self.rig.gripper_command_m)
        self.rig.step(round(seconds * 1e9 / STEP_NS))

    def grip(self, width_m: float) -> float:
        """Move the fingers to an opening, or until they stand against something; returns the opening reached."""
        self.rig.grip(width_m)
        still = 0
        for _ in range(round(GRIP_S / PERIOD_S)):
            self.rig.step(PERIOD_STEPS)
            speed = abs(float(self.rig.joints()[1][ARM_JOINTS:].sum()))
            still = still + 1 if speed < STILL_M_S else 0
            if still >= round(STILL_S / PERIOD_S):
                break
        return self.width_m

    def close(self) -> None:
        """Free what is held on the GL side."""
        self.rig.close()
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _believed(self) -> Camera:
        """The camera in the table frame, where it is believed to stand."""
        camera = self.rig.camera.moved(-TABLE_ORIGIN_M)
        return camera.camera(camera.width, camera.height)

    def _T_base_tool(self) -> FloatArray:
        return forward_kinematics(self._robot, self.rig.joints()[0][:ARM_JOINTS])

    def _error(self, wanted: FloatArray) -> FloatArray:
        """(6,) from where the hand is to where it should be (4,): tips [m], then rotation vector [rad]."""
        T_base_tool, (x, y, z, yaw) = self._T_base_tool(), wanted.tolist()
        turned, cos, sin = T_base_tool[:3, :3], math.cos(yaw), math.sin(yaw)
        pointing = np.array([[cos, sin, 0.0], [sin, -cos, 0.0], [0.0, 0.0, -1.0]])
        error = np.empty(6)
        error[:3] = np.array([x, y, z]) - _tip_m(T_base_tool)
        turn = pointing @ turned.T
        error[3:] = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
        error[3:] *= 0.5  # exact to the third order of the angle
        return error

    def _follow(self, velocity: FloatArray, error: FloatArray) -> None:
        """One servo period with the velocity (4,) [m/s, rad/s] of the path, and a pull onto it."""
        twist = GAIN * error
        twist[:3] += velocity[:3]
        twist[5] += velocity[3]
        self.rig.command(twist, self.rig.gripper_command_m)
        self.rig.step(PERIOD_STEPS)

    def _felt_n(self) -> float:
        """The largest force of the last period's readings."""
        force_n = self.rig.wrenches()[:, :3] - self._bias[:3]
        return float(np.linalg.norm(force_n, axis=1).max(initial=0.0))


def _tip_m(T_base_tool: FloatArray) -> FloatArray:
    """(3,) the point between the lower ends of the fingers, table frame."""
    return np.asarray(T_base_tool[:3, 3] + TIP_BELOW_TOOL_M * T_base_tool[:3, 2] - TABLE_ORIGIN_M)


def _within(error: FloatArray, metres: float, radians: float) -> bool:
    return bool(np.abs(error[:3]).max() < metres and np.abs(error[3:]).max() < radians)
