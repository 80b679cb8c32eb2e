"""The simulated arm with its sensors and its table: commands in, physics at 1 kHz, measurements out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray, Frame, require_finite
from autoglm_embodied_sim.robots.panda_model import ARM_JOINTS, FINGERS, TIMESTEP_S, bare_arm, build_model
from autoglm_embodied_sim.robots.servo import PERIOD_STEPS, Servo
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.renderer import Renderer
from autoglm_embodied_sim.sensors.sensor import Samples, Senses
from autoglm_embodied_sim.sensors.sensor_specs import Sensors
from autoglm_embodied_sim.sensors.shutter import Moment

STEP_NS = 1_000_000
COMMAND_TIMEOUT_STEPS = 100
VELOCITY_LEAD_S = 0.1  # damping over stiffness of the joint servos: leading by it cancels their lag
PUSH_RAD = 0.007  # bounds the torque against an obstacle to 32 N·m at the strongest joints
MAX_WIDTH_M = 0.08
JOINTS = ARM_JOINTS + FINGERS
FINGER_SPEED_M_S = 0.05
FINGER_LEAD_M = 0.012  # enough for full force at 4000 N/m
HOME_TOOL_M = np.array([0.35, 0.0, 0.40])
HOME_NOISE_M, HOME_NOISE_RAD = 0.015, 0.08
SETTLE_STEPS = 60
NOWHERE_OFF = np.zeros(3)


class ArmRig:
    """A Panda at a table with the objects of one scene.

    Args:
        seed: of noise and of where the arm starts.
        objects: which wait beyond the table.
        hand_eye_m: (3,) how far the camera is believed to be from where it is.
        surroundings: light and room.
        camera: as it is believed to stand; as shipped by default.
        sensors: as shipped by default.
    """

    def __init__(
        self,
        seed: int,
        objects: Sequence[SceneObject] = (),
        hand_eye_m: FloatArray = NOWHERE_OFF,
        surroundings: Surroundings = PLAIN,
        camera: CameraSettings | None = None,
        sensors: Sensors | None = None,
    ) -> None:
        self.camera = camera or CameraSettings.from_file()
        self.sensors = sensors or Sensors.from_file()
        self.model = build_model(self.camera.moved(-hand_eye_m), objects, surroundings)
        self.data = mujoco.MjData(self.model)
        self._arm_rad, self._arm_rad_s = self.data.qpos[:ARM_JOINTS], self.data.qvel[:ARM_JOINTS]  # views
        self._fingers_m = self.data.qpos[ARM_JOINTS:JOINTS]
        self._control: FloatArray = self.data.ctrl
        self._arm_control = self._control[:ARM_JOINTS]
        self._neutral, self._push = np.empty(ARM_JOINTS), np.empty(ARM_JOINTS)
        self._load: FloatArray = self.data.sensordata[:6]
        self.seed = seed
        self._servo = Servo(bare_arm())
        self._tool = self.model.site("tool").id
        self._position, self._velocity = self.data.qpos[:JOINTS], self.data.qvel[:JOINTS]
        self._senses = Senses(self.sensors)
        self._renderer: Renderer | None = None
        self._steps = 0
        self.watch: Callable[[], None] | None = None  # called after every step; may read, and change nothing
        self.reset()

    @property
    def time_ns(self) -> int:
        """Steps done since the rig was made, in ns; resets do not turn it back."""
        return self._steps * STEP_NS

    @property
    def gripper_command_m(self) -> float:
        """The opening last commanded."""
        return self._width_m

    def reset(self, arm_q: FloatArray | None = None) -> None:
        """Bring the arm home give or take a little, or to the joint angles `arm_q`, and the objects off the table."""
        self._rng = np.random.default_rng((self.seed, self.seed))
        mujoco.mj_resetData(self.model, self.data)
        start = self._home() if arm_q is None else np.asarray(arm_q, dtype=float)
        self.data.qpos[:ARM_JOINTS] = start
        self.data.qpos[ARM_JOINTS:JOINTS] = MAX_WIDTH_M / 2
        self._servo.reset(start)
        self.command(np.zeros(6), MAX_WIDTH_M)
        self._finger_m, self._phase = MAX_WIDTH_M / 2, 0
        for _ in range(SETTLE_STEPS):
            self._step()
        joints = np.concatenate([self._position, self._velocity])
        self._senses.restart(self._rng, self.time_ns, -self._load, joints)
        if self._renderer is not None:
            self._renderer.reseed(self.seed)

    def command(self, twist: FloatArray, gripper_width_m: float) -> None:
        """Move the tool with `twist` (6,) [m/s, rad/s, base frame] until replaced or timed out; set the gripper."""
        twist = np.array(twist, dtype=float)
        require_finite("twist", twist, (6,))
        self._twist = twist
        self._fresh_steps = COMMAND_TIMEOUT_STEPS
        self.grip(gripper_width_m)

    def grip(self, width_m: float) -> None:
        """Move the fingers to this opening; the twist and its age stay as they are."""
        self._width_m = float(np.clip(width_m, 0, MAX_WIDTH_M))

    def halt(self) -> None:
        """Stand still at once where the joints are, as a robot's reflex does, rather than slow down."""
        self._servo.reset(self._arm_rad)
        self._twist, self._phase = np.zeros(6), 0

    def step(self, n: int) -> None:
        """Advance by `n` x 1 ms."""
        loads, joints = np.empty((n, 6)), np.empty((n, 2 * JOINTS))
        for index in range(n):
            self._step()
            loads[index] = self._load
            joints[index, :JOINTS], joints[index, JOINTS:] = self._position, self._velocity
        stamp_ns = np.arange(self._steps + 1, self._steps + n + 1) * STEP_NS
        self._steps += n
        self._senses.take(stamp_ns, -loads, joints, self.time_ns)  # a sensor reads what it carries

    def wrench(self) -> FloatArray:
        """(6,) newest reading of the wrist sensor: load on it in panda_ft [N, N·m], the hand's weight included."""
        return self._senses.newest_wrench

    def wrenches(self) -> FloatArray:
        """(n, 6) the readings that arrived in the last `step`, newest last; as shipped, one a millisecond."""
        return self._senses.wrench.value

    def wrench_samples(self) -> Samples:
        """What the wrist sensor delivered in the last `step`, with its instants in this rig's time."""
        return self._senses.wrench

    def joints(self) -> tuple[FloatArray, FloatArray]:
        """Newest positions and velocities (JOINTS,) of the arm's joints [rad], then of its fingers [m]."""
        newest = self._senses.newest_joints
        return newest[:JOINTS].copy(), newest[JOINTS:].copy()

    def joint_samples(self) -> Samples:
        """What the encoders delivered in the last `step` (n, 2 JOINTS): positions, then velocities."""
        return self._senses.joints

    def frame(self, width: int = 640, height: int = 480) -> Frame:
        """What the camera sees now; depth in metres, 0 where unknown."""
        mujoco.mj_kinematics(self.model, self.data)  # a step leaves the poses of its beginning
        return self._open_renderer().frame(self.data, self.time_ns, width, height)

    def draw(self, moment: Moment, width: int = 640, height: int = 480) -> Frame:
        """What the camera saw at a moment of this scene."""
        return self._open_renderer().draw(moment, width, height)

    def T_base_tool(self) -> FloatArray:
        """(4, 4) true pose of the tool; never to be shown to a policy."""
        mujoco.mj_kinematics(self.model, self.data)  # a step leaves the poses of its beginning
        pose = np.eye(4)
        pose[:3, :3] = self.data.site_xmat[self._tool].reshape(3, 3)
        pose[:3, 3] = self.data.site_xpos[self._tool]
        return pose

    def close(self) -> None:
        """Free the renderer, if there is one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _open_renderer(self) -> Renderer:
        if self._renderer is None:
            self._renderer = Renderer(self.model, self.camera, self.sensors, self.seed)
        return self._renderer

    def _home(self) -> FloatArray:
        offset = self._rng.uniform(-HOME_NOISE_M, HOME_NOISE_M, 3)
        return self._servo.solve(HOME_TOOL_M + offset, self._rng.uniform(-HOME_NOISE_RAD, HOME_NOISE_RAD))

    def _step(self) -> None:
        if self._phase % PERIOD_STEPS == 0:
            twist = self._twist if self._fresh_steps > 0 else np.zeros(6)
            position, velocity = self._servo.advance(twist, self._arm_rad)
            self._plan = position + VELOCITY_LEAD_S * velocity
            self._phase = 0
        np.multiply(self._arm_rad_s, VELOCITY_LEAD_S, out=self._neutral)
        np.add(self._arm_rad, self._neutral, out=self._neutral)  # here no torque acts
        np.subtract(self._plan[self._phase], self._neutral, out=self._push)
        np.minimum(np.maximum(self._push, -PUSH_RAD, out=self._push), PUSH_RAD, out=self._push)
        np.add(self._neutral, self._push, out=self._arm_control)
        self._control[ARM_JOINTS] = self._next_finger()
        mujoco.mj_step(self.model, self.data)
        if self.watch is not None:
            self.watch()
        self._phase += 1
        self._fresh_steps -= 1

    def _next_finger(self) -> float:
        """The finger set-point moves at the gripper's speed and never runs far ahead of the fingers."""
        actual = 0.5 * float(self._fingers_m[0] + self._fingers_m[1])
        step = FINGER_SPEED_M_S * TIMESTEP_S
        wanted = min(max(self._width_m / 2, self._finger_m - step), self._finger_m + step)
        self._finger_m = min(max(wanted, actual - FINGER_LEAD_M), actual + FINGER_LEAD_M)
        return self._finger_m
