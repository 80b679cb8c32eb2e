"""The MuJoCo model of the gantry: a Panda hand on four axes, a table, objects, and the camera above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied_sim.geoms import DRAWN_GROUP, HIDDEN_GROUP, set_contact_solver
from autoglm_embodied_sim.robots.object_bodies import add_object, add_walls
from autoglm_embodied_sim.robots.panda_model import panda_file
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import Surroundings, colour_mat

TIMESTEP_S = 0.002
"""Two milliseconds grip as well as one does, 1.7 times as fast."""
AXES = ("x", "y", "z", "yaw")
AXIS_LIMITS = ((-0.6, 0.6), (-0.6, 0.6), (0.0, 0.8), (-3.3, 3.3))
AXIS_STIFFNESS = (2e4, 2e4, 2e4, 400.0)  # N/m, N·m/rad
AXIS_DAMPING = (350.0, 350.0, 350.0, 6.0)
AXIS_FORCE = (80.0, 80.0, 80.0, 12.0)  # N, N·m
TIP_BELOW_HAND_M = 0.112
CAMERA_FOVY_DEG, CAMERA_PX = 42.0, 480
T_BASE_CAMERA = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.8], [0, 0, 0, 1]])
"""Where the camera nominally stands: above the middle of the table, looking down."""
FINGER_STIFFNESS, FINGER_DAMPING = 4000.0, 80.0


def build_gantry(objects: Sequence[SceneObject], surroundings: Surroundings) -> Any:
    """Compile the gantry with `objects` as bodies `object0` and so on; the result is an MjModel."""
    spec = mujoco.MjSpec.from_file(str(panda_file().with_name("hand.xml")))
    _set_physics(spec)
    _hang_hand(spec)
    _replace_gripper(spec)
    _add_table(spec, surroundings)
    _add_camera(spec, surroundings)
    for index, obj in enumerate(objects):
        add_object(spec, f"object{index}", obj)
    return spec.compile()


def _set_physics(spec: Any) -> None:
    spec.option.timestep = TIMESTEP_S
    set_contact_solver(spec)
    visual = getattr(spec.visual, "global")
    visual.offwidth, visual.offheight = 640, 480
    spec.visual.quality.offsamples = spec.visual.quality.shadowsize = 0
    spec.visual.map.znear, spec.visual.map.zfar = 0.1, 2.0
    spec.stat.extent, spec.stat.center = 1.0, [0, 0, 0.2]


def _hang_hand(spec: Any) -> None:
    """Four axes; the hand points down, and at yaw 0 its fingers close along the y axis."""
    hand = spec.body("hand")
    hand.quat = [0, 1, 0, 0]
    for geom in list(spec.geoms):
        if geom.classname.name == "visual":
            spec.delete(geom)
        else:
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
    hand.add_site(name="ft", group=HIDDEN_GROUP)
    for name, sensor in (("force", mujoco.mjtSensor.mjSENS_FORCE), ("torque", mujoco.mjtSensor.mjSENS_TORQUE)):
        spec.add_sensor(name=name, type=sensor, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="ft")


def _replace_gripper(spec: Any) -> None:
    """One position servo on both fingers; the stock one grips with 1 N."""
    spec.delete(spec.actuator("actuator8"))
    gripper = spec.add_actuator(name="gripper", target="split", trntype=mujoco.mjtTrn.mjTRN_TENDON)
    gripper.set_to_position(kp=FINGER_STIFFNESS, kv=FINGER_DAMPING)
    gripper.forcelimited, gripper.forcerange = True, [-1, 1]  # the rig sets it


def _add_table(spec: Any, surroundings: Surroundings) -> None:
    world, plane, light = spec.worldbody, mujoco.mjtGeom.mjGEOM_PLANE, surroundings.light
    table = world.add_geom(name="table", type=plane, size=[0.6, 0.6, 1], group=DRAWN_GROUP)
    colour_mat(spec, table, surroundings)
    add_walls(spec, np.zeros(3))
    sun = world.add_light(type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, pos=[0, 0, 2], castshadow=False)
    sun.dir, sun.diffuse, sun.ambient = list(surroundings.light_direction), [0.55 * light] * 3, [0.25 * light] * 3
    spec.visual.headlight.diffuse, spec.visual.headlight.ambient = [0.2 * light] * 3, [0.15 * light] * 3


def _add_camera(spec: Any, surroundings: Surroundings) -> None:
    T_base_camera = surroundings.camera_pose(T_BASE_CAMERA)
    optical_to_mujoco = np.diag([1.0, -1.0, -1.0])  # MuJoCo looks along -z with y up
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (T_base_camera[:3, :3] @ optical_to_mujoco).ravel())
    spec.worldbody.add_camera(name="overhead", pos=T_base_camera[:3, 3], quat=quat, fovy=CAMERA_FOVY_DEG)


def overhead(surroundings: Surroundings, hand_eye_m: FloatArray, size_px: int = CAMERA_PX) -> Camera:
    """The camera above the table, believed to be `hand_eye_m` (3,) away from where it is; its images are square."""
    focal, middle = 0.5 * size_px / np.tan(np.radians(CAMERA_FOVY_DEG) / 2), (size_px - 1) / 2
    T_base_camera = surroundings.camera_pose(T_BASE_CAMERA)
    T_base_camera[:3, 3] += hand_eye_m
    return Camera(size_px, size_px, np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]]), T_base_camera)
