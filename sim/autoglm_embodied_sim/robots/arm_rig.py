"""The simulated arm at a table with its sensors; commands in, physics at 1 kHz, measurements out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, Frame
from autoglm_embodied_sim.robots import hand_model
from autoglm_embodied_sim.robots.arm_model import TOOL_BELOW_HAND_M, arm_spec
from autoglm_embodied_sim.robots.hand_rig import command_array, command_width_m, finger_setpoint_m
from autoglm_embodied_sim.robots.object_bodies import add_object, add_walls
from autoglm_embodied_sim.robots.servo import (
    FINGER_SPEED_M_S,
    PERIOD_STEPS,
    PUSH_RAD,
    VELOCITY_LEAD_S,
    Servo,
)
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings, colour_mat
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX, CameraSettings
from autoglm_embodied_sim.sensors.renderer import BACKDROP_GROUP, DRAWN_GROUP, HIDDEN_GROUP, Renderer
from autoglm_embodied_sim.sensors.sensor import Moment, Samples, Sensor
from autoglm_embodied_sim.sensors.sensor_specs import FINGERS, PANDA, TIMESTEP_S, Sensors

TABLE_ORIGIN_M = np.array(WorkArea().origin_m)
"""The middle of the working area, base frame: the origin of the table frame, in which suites lay out their scenes.

The axes of both frames are parallel, and the table's top is z = 0 in either.
"""
WAITING_M = TABLE_ORIGIN_M + [1.5, 0.0, 0.3]
ARM_SHADES = {"link0": 0.9, "link5": 0.55, "hand": 0.35, "left_finger": 0.25, "right_finger": 0.25}
STEP_NS = 1_000_000
COMMAND_TIMEOUT_STEPS = 100
FINGER_LEAD_M = 0.012  # enough for full force at 4000 N/m
HOME_TOOL_M = np.array([0.35, 0.0, 0.40])
HOME_NOISE_M, HOME_NOISE_RAD = 0.015, 0.08
SETTLE_STEPS = 60
NOWHERE_OFF = np.zeros(3)


def build_model(
    camera: CameraSettings,
    objects: Sequence[SceneObject] = (),
    surroundings: Surroundings = PLAIN,
    robot: Robot = PANDA,
) -> Any:
    """Compile the world; the result is an MjModel.

    Args:
        camera: as it really stands.
        objects: of one scene, the bodies `object0` and so on, which wait beyond the table.
        surroundings: light, table, mat and room.
        robot: the arm.
    """
    spec = arm_spec(robot)
    hand_model.set_physics(spec, TIMESTEP_S, (MAX_WIDTH_PX, MAX_HEIGHT_PX), (0.05, 6.0))
    spec.stat.center = [0.3, 0, 0.3]
    _dress_arm(spec)
    hand_model.add_gripper(spec)
    spec.body("hand").add_site(name="tool", pos=[0, 0, TOOL_BELOW_HAND_M], group=HIDDEN_GROUP)
    hand_model.add_wrist_sensor(spec)
    _add_room(spec)
    colour_mat(spec, spec.geom("mat"), surroundings)
    hand_model.add_camera(spec, "camera", camera.T_base_camera, camera.fovy_deg)
    if objects:
        add_walls(spec, TABLE_ORIGIN_M)
    for index, obj in enumerate(objects):
        add_object(spec, f"object{index}", obj).pos = WAITING_M + [0.25 * index, 0, 0]
    model = spec.compile()
    _light(model, surroundings)
    return model


@lru_cache(maxsize=2)
def bare_arm(robot: Robot) -> Any:
    """The world with nothing on the table, compiled once a process: enough for the arm's kinematics."""
    return build_model(CameraSettings.from_file(), robot=robot)


def _dress_arm(spec: Any) -> None:
    hand_model.drop_visual_geoms(spec)
    for light in list(spec.lights):
        spec.delete(light)
    for body in spec.bodies:
        if body.name == "world":
            continue
        body.gravcomp = 1.0
        shade = ARM_SHADES.get(body.name, 0.95)
        for geom in body.geoms:
            geom.group = DRAWN_GROUP
            geom.rgba = [shade, shade, shade * 1.02, 1]


def _add_room(spec: Any) -> None:
    world, box = spec.worldbody, mujoco.mjtGeom.mjGEOM_BOX
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    world.add_geom(name="table_contact", type=plane, size=[0, 0, 1], group=HIDDEN_GROUP, friction=[1, 0.005, 1e-4])
    seen = {"contype": 0, "conaffinity": 0, "group": DRAWN_GROUP}
    world.add_geom(name="table", type=box, size=[0.6, 0.75, 0.02], pos=[0.35, 0, -0.02], **seen)
    world.add_geom(name="mat", type=box, size=[0.19, 0.32, 0.0005], pos=[0.5, 0, -0.0001], **seen)
    beyond = {**seen, "group": BACKDROP_GROUP}
    world.add_geom(name="floor", type=box, size=[3, 3, 0.01], pos=[0, 0, -0.75], **beyond)
    world.add_geom(name="wall", type=box, size=[0.01, 3, 2], pos=[-1.2, 0, 1.0], **beyond)
    world.add_light(name="sun", type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, pos=[0, 0, 3], castshadow=False)


def _light(model: Any, surroundings: Surroundings) -> None:
    """Give the room its shades and its light."""
    shades = {"table": surroundings.table_rgb, "floor": surroundings.floor_rgb, "wall": surroundings.wall_rgb}
    for name, rgb in shades.items():
        model.geom(name).rgba = (*rgb, 1)
    sun, light = model.light("sun"), surroundings.light
    sun.dir = np.asarray(surroundings.light_direction) / np.linalg.norm(surroundings.light_direction)
    sun.diffuse, sun.ambient = 0.55 * light, 0.25 * light
    model.vis.headlight.diffuse[:] = 0.2 * light
    model.vis.headlight.ambient[:] = 0.15 * light


class ArmRig:
    """An arm at a table with the objects of one scene.

    Args:
        seed: of noise and of where the arm starts.
        objects: which wait beyond the table.
        hand_eye_m: (3,) how far the camera is believed to be from where it is.
        surroundings: light and room.
        camera: as it is believed to stand; as shipped by default.
        sensors: as shipped by default.
        robot: the arm.
    """

    def __init__(
        self,
        seed: int,
        objects: Sequence[SceneObject] = (),
        hand_eye_m: FloatArray = NOWHERE_OFF,
        surroundings: Surroundings = PLAIN,
        camera: CameraSettings | None = None,
        sensors: Sensors | None = None,
        robot: Robot = PANDA,
    ) -> None:
        self.robot, self._joint_count = robot, robot.joints + FINGERS
        self.camera = camera or CameraSettings.from_file()
        self.sensors = sensors or Sensors.from_file()
        self.model = build_model(self.camera.moved(-hand_eye_m), objects, surroundings, robot)
        self.data = mujoco.MjData(self.model)
        self._arm_rad, self._arm_rad_s = self.data.qpos[: robot.joints], self.data.qvel[: robot.joints]  # views
        self._fingers_m = self.data.qpos[robot.joints : self._joint_count]
        self._control: FloatArray = self.data.ctrl
        self._arm_control = self._control[: robot.joints]
        self._neutral, self._push = np.empty(robot.joints), np.empty(robot.joints)
        self._load: FloatArray = self.data.sensordata[:6]
        self.seed = seed
        self._servo = Servo(bare_arm(robot), robot)
        self._tool = self.model.site("tool").id
        self._position, self._velocity = self.data.qpos[: self._joint_count], self.data.qvel[: self._joint_count]
        self._wrench = Sensor(self.sensors.wrench.timing, self.sensors.wrench.channels)
        self._joints = Sensor(self.sensors.joints.timing, self.sensors.joints.channels_of(robot))
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
        if arm_q is not None:
            arm_q = command_array("joint angles [rad]", arm_q, (self.robot.joints,))
        self._rng = np.random.default_rng((self.seed, self.seed))
        mujoco.mj_resetData(self.model, self.data)
        start = self._home() if arm_q is None else arm_q
        self._arm_rad[:], self._fingers_m[:] = start, MAX_WIDTH_M / 2
        self._servo.reset(start)
        self.command(np.zeros(6), MAX_WIDTH_M)
        self._finger_m, self._phase = MAX_WIDTH_M / 2, 0
        for _ in range(SETTLE_STEPS):
            self._step()
        joints = np.concatenate([self._position, self._velocity])
        joints_rng = self._rng.spawn(1)[0]
        self._wrench.restart(self._rng, self.time_ns, -self._load)
        self._joints.restart(joints_rng, self.time_ns, joints)
        if "_renderer" in vars(self):
            self._renderer.reseed(self.seed)

    def rest_elbow(self, arm_q: FloatArray) -> None:
        """Pull what a twist leaves free, such as the elbow, to these joint angles (n,) from now on, instead of home."""
        self._servo.home_rad = command_array("joint angles [rad]", arm_q, (self.robot.joints,))

    def command(self, twist: FloatArray, gripper_width_m: float) -> None:
        """Move the tool with `twist` (6,) [m/s, rad/s, base frame] until replaced or timed out; set the gripper."""
        twist = command_array("a twist [m/s, rad/s]", twist, (6,))
        self.grip(gripper_width_m)  # first, since it may be refused
        self._twist = twist
        self._fresh_steps = COMMAND_TIMEOUT_STEPS

    def grip(self, width_m: float) -> None:
        """Move the fingers to this opening; the twist and its age stay as they are."""
        self._width_m = command_width_m(width_m)

    def halt(self) -> None:
        """Stand still at once where the joints are, as a robot's reflex does, rather than slow down."""
        self._servo.reset(self._arm_rad)
        self._twist, self._phase = np.zeros(6), 0

    def step(self, n: int) -> None:
        """Advance by `n` x 1 ms."""
        count = self._joint_count
        loads, joints = np.empty((n, 6)), np.empty((n, 2 * count))
        for index in range(n):
            self._step()
            loads[index] = self._load
            joints[index, :count], joints[index, count:] = self._position, self._velocity
        stamp_ns = np.arange(self._steps + 1, self._steps + n + 1) * STEP_NS
        self._steps += n
        self._wrench.deliver(stamp_ns, -loads, self.time_ns)  # a sensor reads what it carries
        self._joints.deliver(stamp_ns, joints, self.time_ns)

    def wrench(self) -> FloatArray:
        """(6,) newest reading of the wrist sensor: load on it in its frame [N, N·m], the hand's weight included."""
        return self._wrench.newest

    def wrenches(self) -> FloatArray:
        """(n, 6) the readings that arrived in the last `step`, newest last; as shipped, one a millisecond."""
        return self._wrench.samples.value

    def wrench_samples(self) -> Samples:
        """What the wrist sensor delivered in the last `step`, with its instants in this rig's time."""
        return self._wrench.samples

    def joints(self) -> tuple[FloatArray, FloatArray]:
        """Newest positions and velocities (n,) of the arm's joints [rad], then of its fingers [m]."""
        newest = self._joints.newest
        return newest[: self._joint_count].copy(), newest[self._joint_count :].copy()

    def joint_samples(self) -> Samples:
        """What the encoders delivered in the last `step` (n, 2 x joints): positions, then velocities."""
        return self._joints.samples

    def frame(self, width: int = 640, height: int = 480) -> Frame:
        """What the camera sees now; depth in metres, 0 where unknown."""
        mujoco.mj_kinematics(self.model, self.data)  # a step leaves the poses of its beginning
        return self._renderer.frame(self.data, self.time_ns, width, height)

    def draw(self, moment: Moment, width: int = 640, height: int = 480) -> Frame:
        """What the camera saw at a moment of this scene."""
        return self._renderer.draw(moment, width, height)

    def T_base_tool(self) -> FloatArray:
        """(4, 4) true pose of the tool; never to be shown to a policy."""
        mujoco.mj_kinematics(self.model, self.data)  # a step leaves the poses of its beginning
        pose = np.eye(4)
        pose[:3, :3] = self.data.site_xmat[self._tool].reshape(3, 3)
        pose[:3, 3] = self.data.site_xpos[self._tool]
        return pose

    def close(self) -> None:
        """Free the renderer, if there is one."""
        if "_renderer" in vars(self):
            self._renderer.close()
            del self._renderer

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self.model, self.camera, self.sensors, self.seed)

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
        actual_m = 0.5 * float(self._fingers_m[0] + self._fingers_m[1])
        step_m = FINGER_SPEED_M_S * TIMESTEP_S
        self._finger_m = finger_setpoint_m(self._finger_m, self._width_m, actual_m, step_m, FINGER_LEAD_M)
        self._control[self.robot.joints] = self._finger_m
        mujoco.mj_step(self.model, self.data)
        if self.watch is not None:
            self.watch()
        self._phase += 1
        self._fresh_steps -= 1
