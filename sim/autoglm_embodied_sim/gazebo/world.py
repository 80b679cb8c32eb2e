"""The whole world as SDF: arm, camera, table, objects and light, out of one MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.arm import arm_model, inertial
from autoglm_embodied_sim.gazebo.element import Dialect, Element, element, pose, transform
from autoglm_embodied_sim.gazebo.sensors import camera_model
from autoglm_embodied_sim.gazebo.shapes import (
    collision,
    geom_pose,
    lights,
    primitive,
    scene_light,
    visual,
    write_meshes,
)
from autoglm_embodied_sim.gazebo.systems import world_systems
from autoglm_embodied_sim.robots.panda_model import TABLE_ORIGIN_M, TIMESTEP_S, build_model
from autoglm_embodied_sim.scenes.scene import GraspScene
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

WORLD = "autoglm"
MESHES = "meshes"
TABLE, SEEN = "table", ("table", "mat", "floor", "wall")


@dataclass(frozen=True)
class Setting:
    """What a world is made of, beside the scene on the table."""

    robot: Robot
    camera: CameraSettings
    sensors: Sensors

    @classmethod
    def shipped(cls) -> Setting:
        """As the packages ship it."""
        return cls(Robot.from_file(shipped("panda.yaml")), CameraSettings.from_file(), Sensors.from_file())


def write_world(scene: GraspScene, setting: Setting, dialect: Dialect, folder: Path) -> Path:
    """Write a world and its meshes to `folder`; returns the world's file.

    Raises:
        ConfigError: the folder cannot be written, or an object is no primitive.
    """
    model = scene_model(scene, setting.camera)
    path = folder / "world.sdf"
    try:
        write_meshes(model, folder / MESHES)
        path.write_text(as_text(world_sdf(model, scene, setting, dialect, folder / MESHES), dialect))
    except OSError as error:
        raise ConfigError(f"cannot write a world to {folder} ({error.strerror}); name another folder") from error
    return path


def scene_model(scene: GraspScene, camera: CameraSettings) -> Any:
    """The MjModel of a scene; ConfigError unless all of its objects are primitives."""
    for obj in scene.objects:
        if obj.shape.solid is None:
            raise ConfigError(f"a world for Gazebo holds cubes, cylinders and balls, got {obj.name}")
    return build_model(camera, scene.objects, scene.surroundings)


def as_text(content: Element, dialect: Dialect) -> str:
    """A whole SDF file of a world or a model."""
    root = element("sdf", content, version=dialect.sdf_version)
    ElementTree.indent(root)
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def world_sdf(model: Any, scene: GraspScene, setting: Setting, dialect: Dialect, meshes: Path) -> Element:
    """The world of a scene; `model` is that of the scene, `meshes` where its meshes will lie."""
    visible = model.vis.map
    clip_m = np.array([visible.znear, visible.zfar]) * model.stat.extent
    return element(
        "world",
        _physics(),
        element("gravity", model.opt.gravity),
        *world_systems(dialect),
        scene_light(model),
        *lights(model),
        _table(model, meshes),
        camera_model(setting.camera, setting.sensors, clip_m, dialect),
        arm_model(model, setting.robot, setting.sensors, meshes, dialect),
        *(object_model(model, scene, index) for index in range(len(scene.objects))),
        name=WORLD,
    )


def object_model(model: Any, scene: GraspScene, index: int) -> Element:
    """An object of a scene on the table, as a model of its own."""
    name = f"object{index}"
    geom = model.geom(name).id
    link = element(
        "link",
        inertial(model, model.body(name).id),
        collision("collision", np.eye(4), primitive(model, geom), model.geom_friction[geom]),
        visual(model, geom, "visual", np.eye(4), Path()),
        name="link",
    )
    T_base_object = transform(resting_m(scene, index), scene.quaternion_wxyz[index])
    return element("model", pose(T_base_object), link, name=name)


def resting_m(scene: GraspScene, index: int) -> FloatArray:
    """(3,) centre of an upright primitive that lies on the table, base frame."""
    solid = scene.objects[index].shape.solid
    height_m = 0.0 if solid is None else solid.half_m[2]
    return np.asarray([*scene.drop_xy_m[index], height_m] + TABLE_ORIGIN_M)


def _table(model: Any, meshes: Path) -> Element:
    """The table, on which objects lie, and what is seen beside and beyond it."""
    geoms = {name: model.geom(name).id for name in SEEN}
    contact, top = model.geom("table_contact").id, geoms[TABLE]
    link = element(
        "link",
        collision("collision", geom_pose(model, top), primitive(model, top), model.geom_friction[contact]),
        *(visual(model, geom, name, geom_pose(model, geom), meshes) for name, geom in geoms.items()),
        name="link",
    )
    return element("model", element("static", True), link, name=TABLE)


def _physics() -> Element:
    """DART, which new Gazebo uses and Gazebo 11 has too: joints that do not come apart, and exact joint forces."""
    return element(
        "physics",
        element("max_step_size", TIMESTEP_S),
        element("real_time_factor", 1.0),
        element("real_time_update_rate", 1 / TIMESTEP_S),
        element("dart", element("collision_detector", "bullet")),
        name="every_millisecond",
        type="dart",
    )
