"""The gantry: a Panda hand on four axes, a camera above the table; a policy looks, moves, grips and feels with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.grasping.hand import MAX_WIDTH_M, REST_S, TRAVEL_M_S, HandPose
from autoglm_embodied.grasping.hand_path import minimum_jerk
from autoglm_embodied.grasping.work_area import HALF_SIZE_M
from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied_sim.robots import hand_model
from autoglm_embodied_sim.robots.hand_rig import (
    SuiteRig,
    command_array,
    command_width_m,
    finger_setpoint_m,
    require_motion,
)
from autoglm_embodied_sim.robots.object_bodies import add_object, add_walls
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings, colour_mat
from autoglm_embodied_sim.sensors.camera import pinhole
from autoglm_embodied_sim.sensors.renderer import DRAWN_GROUP

TIMESTEP_S = 0.002
"""Two milliseconds grip as well as one does, 1.7 times as fast."""
AXES = ("x", "y", "z", "yaw")
AXIS_LIMITS = ((-0.6, 0.6), (-0.6, 0.6), (0.0, 0.8), (-3.3, 3.3))
AXIS_STIFFNESS = (2e4, 2e4, 2e4, 400.0)  # N/m, N·m/rad
AXIS_DAMPING = (350.0, 350.0, 350.0, 6.0)
AXIS_FORCE = (80.0, 80.0, 80.0, 12.0)  # N, N·m
TIP_BELOW_HAND_M = 0.112
CAMERA, CAMERA_FOVY_DEG, CAMERA_PX = "overhead", 42.0, 480
T_BASE_CAMERA = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.8], [0, 0, 0, 1]])
"""Where the camera nominally stands: above the middle of the table, looking down."""
FINGER_SPEED_M_S, FINGER_LEAD_M = 0.12, 0.015
TURN_RAD_S = 2.5
WRENCH_SIGMA = np.array([0.05] * 3 + [0.002] * 3)  # N, N·m
AVERAGED = 25  # readings of a weighing
_TIP = np.array([0.0, 0.0, TIP_BELOW_HAND_M, 0.0])
ASIDE = HandPose(0.42, 0.0, 0.30, 0.0)
"""Out of the camera's sight."""
SET_DOWN_POSES = tuple(HandPose(ASIDE.x_m, 0.06 * place, 0.05, 0.0) for place in range(-2, 3))


def build_gantry(objects: Sequence[SceneObject], surroundings: Surroundings) -> Any:
    """Compile the gantry with `objects` as bodies `object0` and so on; the result is an MjModel."""
    spec = mujoco.MjSpec.from_file(str(hand_model.panda_file().with_name("hand.xml")))
    hand_model.set_physics(spec, TIMESTEP_S, (640, 480), (0.1, 2.0))
    spec.stat.center = [0, 0, 0.2]
    _hang_hand(spec)
    hand_model.add_gripper(spec)
    _add_table(spec, surroundings)
    hand_model.add_camera(spec, CAMERA, surroundings.camera_pose(T_BASE_CAMERA), CAMERA_FOVY_DEG)
    for index, obj in enumerate(objects):
        add_object(spec, f"object{index}", obj)
    return spec.compile()


def _hang_hand(spec: Any) -> None:
    """Four axes; the hand points down, and at yaw 0 its fingers close along the y axis."""
    hand = spec.body("hand")
    hand.quat = [0, 1, 0, 0]
    hand_model.drop_visual_geoms(spec)
    for geom in spec.geoms:
        geom.group = DRAWN_GROUP
    slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
    ways = ((slide, [1, 0, 0]), (slide, [0, -1, 0]), (slide, [0, 0, -1]), (hinge, [0, 0, -1]))  # in the hand's frame
    for name, (kind, axis), stiffness, damping, force, limits in zip(
        AXES, ways, AXIS_STIFFNESS, AXIS_DAMPING, AXIS_FORCE, AXIS_LIMITS, strict=True
    ):
        hand.add_joint(name=name, type=kind, axis=axis, armature=0, damping=0, range=limits)
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=stiffness, kv=damping)
        servo.forcelimited, servo.forcerange = True, [-force, force]
    for body in (hand, spec.body("left_finger"), spec.body("right_finger")):
        body.gravcomp = 1.0
    hand_model.add_wrist_sensor(spec)


def _add_table(spec: Any, surroundings: Surroundings) -> None:
    world, plane, light = spec.worldbody, mujoco.mjtGeom.mjGEOM_PLANE, surroundings.light
    table = world.add_geom(name="table", type=plane, size=[0.6, 0.6, 1], group=DRAWN_GROUP)
    colour_mat(spec, table, surroundings)
    add_walls(spec, np.zeros(3))
    sun = world.add_light(type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, pos=[0, 0, 2], castshadow=False)
    sun.dir, sun.diffuse, sun.ambient = list(surroundings.light_direction), [0.55 * light] * 3, [0.25 * light] * 3
    spec.visual.headlight.diffuse, spec.visual.headlight.ambient = [0.2 * light] * 3, [0.15 * light] * 3


def overhead(surroundings: Surroundings, hand_eye_m: FloatArray, size_px: int = CAMERA_PX) -> Camera:
    """The camera above the table, believed to be `hand_eye_m` (3,) away from where it is; its images are square."""
    T_base_camera = surroundings.camera_pose(T_BASE_CAMERA)
    T_base_camera[:3, 3] += hand_eye_m
    return pinhole(size_px, size_px, CAMERA_FOVY_DEG, T_base_camera)


@dataclass(frozen=True)
class GantryState:
    """Everything that a gantry's motion from now on depends on, but its commands and its sensors' noise."""

    data: Any  # a copy of the MjData
    width_m: float
    finger_m: float
    bias: FloatArray
    steps: int


class Gantry(SuiteRig):
    """One scene on the gantry.

    Args:
        objects: what lies on the table.
        hand_eye_m: (3,) how far the camera is believed to be from where it is.
        grip_force_n: of each finger.
        seed: of the sensors' noise.
        surroundings: light, table and camera.
    """

    tick_s = TIMESTEP_S
    aside = ASIDE
    set_down_poses, half_size_m = SET_DOWN_POSES, HALF_SIZE_M

    def __init__(
        self,
        objects: Sequence[SceneObject],
        hand_eye_m: FloatArray,
        grip_force_n: float,
        seed: int,
        surroundings: Surroundings = PLAIN,
    ) -> None:
        model, camera = build_gantry(objects, surroundings), overhead(surroundings, hand_eye_m)
        rng = np.random.default_rng(seed)
        super().__init__(model, mujoco.MjData(model), len(objects), (CAMERA, camera), grip_force_n, rng, np.zeros(3))
        self.surroundings, self.hand_eye_m = surroundings, np.asarray(hand_eye_m, dtype=float)
        self._fingers = self.data.qpos[len(AXES) : len(AXES) + 2]  # a view
        self._reading: FloatArray = np.zeros(6)
        self._read_at = -1  # step
        self._steps = 0
        self.watch: Callable[[], None] | None = None
        self.park()

    def park(self, pose: HandPose = ASIDE, width_m: float = MAX_WIDTH_M) -> None:
        """Put the hand somewhere at once, aside and open by default; only before an episode, or in a twin."""
        hand = pose.values + _TIP
        self.data.qpos[: len(AXES)] = hand
        self.data.qvel[: len(AXES) + 2] = 0
        self.data.qpos[len(AXES) : len(AXES) + 2] = width_m / 2
        self.data.ctrl[: len(AXES)] = hand
        self._width_m, self._finger_m = width_m, width_m / 2

    def twin(self) -> Gantry:
        """A copy in the same state in which objects at rest cost nothing; what is done to it does not touch this rig.

        Its sensors' noise is the same for every twin, and it must not be looked through.
        """
        twin = object.__new__(Gantry)
        vars(twin).update(vars(self))
        twin.model, twin.data = copy(self.model), copy(self.data)
        twin.let_sleep()
        twin._fingers = twin.data.qpos[len(AXES) : len(AXES) + 2]
        twin._bias, twin._rng, twin._read_at = self._bias.copy(), np.random.default_rng(0), -1
        twin._eye = twin.watch = twin.told = None
        return twin

    def let_sleep(self) -> None:
        """From now on, objects that lie still are left out of the physics until something touches them."""
        self.model.opt.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)

    def state(self) -> GantryState:
        """The state now, to come back to."""
        return GantryState(copy(self.data), self._width_m, self._finger_m, self._bias.copy(), self._steps)

    def restore(self, state: GantryState) -> None:
        """Go back to a state of this rig; the noise goes on where it is."""
        mujoco.mj_copyData(self.data, self.model, state.data)
        self._width_m, self._finger_m, self._steps = state.width_m, state.finger_m, state.steps
        self._bias, self._read_at = state.bias.copy(), -1

    @property
    def time_ns(self) -> int:
        """Simulated time since the rig was made."""
        return round(self._steps * TIMESTEP_S * 1e9)

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are, as the axes' encoders say."""
        x, y, z, yaw = (float(value) for value in self.data.qpos[: len(AXES)])
        return HandPose(x, y, z - TIP_BELOW_HAND_M, yaw)

    @property
    def width_m(self) -> float:
        """The opening, as the fingers' encoders say."""
        return float(self._fingers[0] + self._fingers[1])

    def reading(self) -> FloatArray:
        """(6,) load on the wrist in the hand's frame [N, N·m], z down; one reading a step, however often it is read."""
        if self._read_at != self._steps:
            noise = WRENCH_SIGMA * self._rng.standard_normal(6)
            self._reading = np.asarray(noise - self.data.sensordata[:6])
            self._read_at = self._steps
        return self._reading

    def wrench(self) -> FloatArray:
        """(6,) the reading, or what is told in its place, less what was tared."""
        reading = self.reading()
        return np.asarray((reading if self.told is None else self.told(reading[None])[0]) - self._bias)

    @property
    def tared(self) -> FloatArray:
        """(6,) what is called nothing."""
        return self._bias.copy()

    @property
    def asked_width_m(self) -> float:
        """The opening that the fingers are to reach."""
        return self._width_m

    def weigh(self) -> FloatArray:
        """See SuiteRig."""
        self.wait(REST_S)
        readings = []
        for _ in range(AVERAGED):
            self._step()
            readings.append(self.wrench())
        return np.asarray(np.mean(readings, axis=0))

    def wait(self, seconds: float) -> None:
        """Stand still."""
        for _ in range(round(seconds / TIMESTEP_S)):
            self._step()

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """Go straight to a pose, smoothly; with `guard_n`, stop where the wrist feels that much more force.

        Returns:
            Whether the pose was reached, that is, nothing was felt on the way.
        """
        require_motion(speed_m_s, guard_n)
        start, goal = self.data.ctrl[: len(AXES)].copy(), pose.values + _TIP
        way = goal - start
        seconds = 1.875 * max(float(np.linalg.norm(way[:3])) / speed_m_s, abs(float(way[3])) / TURN_RAD_S)
        count = max(1, round(seconds / TIMESTEP_S))
        for index in range(1, count + 1):
            self.data.ctrl[: len(AXES)] = start + way * minimum_jerk(index / count)
            self._step()
            if guard_n is not None and _newtons(self.wrench()) > guard_n:
                self.data.ctrl[: len(AXES)] = self.data.qpos[: len(AXES)]
                return False
        return True

    def drive(self, twist: FloatArray, seconds: float) -> None:
        """See SuiteRig."""
        start = self.data.ctrl[: len(AXES)].copy()
        velocity = command_array("a twist [m/s, rad/s]", twist, (6,))[[0, 1, 2, 5]]
        for step in range(1, round(seconds / TIMESTEP_S) + 1):
            self.data.ctrl[: len(AXES)] = start + velocity * (step * TIMESTEP_S)
            self._step()

    def _ask_width(self, width_m: float) -> None:
        self._width_m = command_width_m(width_m)

    def _finger_speed_m_s(self) -> float:
        return abs(float(self.data.qvel[len(AXES) : len(AXES) + 2].sum()))

    def _step(self) -> None:
        actual_m = 0.5 * float(self._fingers[0] + self._fingers[1])
        step_m = FINGER_SPEED_M_S / 2 * TIMESTEP_S
        self._finger_m = finger_setpoint_m(self._finger_m, self._width_m, actual_m, step_m, FINGER_LEAD_M)
        self.data.ctrl[len(AXES)] = self._finger_m
        mujoco.mj_step(self.model, self.data)
        self._steps += 1
        if self.watch is not None:
            self.watch()


def _newtons(wrench: FloatArray) -> float:
    force = wrench[:3]
    return math.sqrt(force.dot(force))  # what np.linalg.norm does, in a third of its time
