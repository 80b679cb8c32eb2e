"""The whole world as SDF: arm, camera, table, objects and light, out of one MuJoCo model.

The command `gazebo_world` writes one and prints where it is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mujoco
import numpy as np

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import AutoGLMError, ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.element import DIALECTS, Dialect, Element, children, element, pose, transform
from autoglm_embodied_sim.gazebo.shapes import (
    collision,
    geom_pose,
    lights,
    primitive,
    scene_light,
    touching_boxes,
    visual,
    write_meshes,
)
from autoglm_embodied_sim.gazebo.systems import (
    all_gains,
    camera_model,
    controllers,
    joint_gains,
    world_systems,
    wrist_sensor,
)
from autoglm_embodied_sim.robots.arm_model import is_panda
from autoglm_embodied_sim.robots.arm_rig import TABLE_ORIGIN_M, build_model
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import PANDA, TIMESTEP_S, Sensors

BAD_INPUT = 2
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
    model = scene_model(scene, setting.camera, setting.robot)
    path = folder / "world.sdf"
    try:
        write_meshes(model, folder / MESHES)
        path.write_text(as_text(world_sdf(model, scene, setting, dialect, folder / MESHES), dialect))
    except OSError as error:
        raise ConfigError(f"cannot write a world to {folder} ({error.strerror}); name another folder") from error
    return path


def scene_model(scene: GraspScene, camera: CameraSettings, robot: Robot = PANDA) -> Any:
    """The MjModel of a scene; ConfigError unless its objects are primitives and the arm has the Panda's links."""
    if not is_panda(robot):
        raise ConfigError(f"a world for Gazebo holds an arm with the Panda's links, got {robot.name}; run it in MuJoCo")
    for obj in scene.objects:
        if obj.shape.solid is None:
            raise ConfigError(f"a world for Gazebo holds cubes, cylinders and balls, got {obj.name}")
    return build_model(camera, scene.objects, scene.surroundings, robot)


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
    pace = children(max_step_size=TIMESTEP_S, real_time_factor=1.0, real_time_update_rate=1 / TIMESTEP_S)
    dart = element("dart", element("collision_detector", "bullet"))
    return element("physics", *pace, dart, name="every_millisecond", type="dart")


BASE, HAND = "link0", "hand"
FIXED = {HAND: "ft"}
"""Bodies without a joint that are a link of their own, and the name of what fixes them: the sensor is there."""


def arm_model(model: Any, robot: Robot, sensors: Sensors, meshes: Path, dialect: Dialect) -> Element:
    """The arm, every link and joint named as ROS has them, at zero joint angles."""
    bodies = arm_bodies(model)
    ends = children(parent="world", child=link_name(model, robot, bodies[0]))
    return element(
        "model",
        element("joint", *ends, type="fixed", name="base"),
        *(_link(model, body, robot, meshes) for body in bodies),
        *(_joint(model, body, robot, sensors, dialect) for body in bodies[1:]),
        *controllers(robot, all_gains(model, robot), dialect),
        name=robot.name,
    )


def arm_bodies(model: Any) -> list[int]:
    """The base and all that hangs on it, parents first."""
    base = model.body(BASE).id
    return [body for body in range(model.nbody) if base in _ancestry(model, body)]


def link_name(model: Any, robot: Robot, body: int) -> str:
    """Of a body of the arm."""
    return f"{robot.name}_{model.body(body).name}"


def _ancestry(model: Any, body: int) -> list[int]:
    chain = [body]
    while chain[-1]:
        chain.append(int(model.body_parentid[chain[-1]]))
    return chain


def _link(model: Any, body: int, robot: Robot, meshes: Path) -> Element:
    parent = model.body_parentid[body]
    frame = link_name(model, robot, parent) if parent else ""
    geoms = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] == body]
    T_parent_body = transform(model.body_pos[body], model.body_quat[body])
    made = element("link", pose(T_parent_body, frame), inertial(model, body), name=link_name(model, robot, body))
    for number, geom in enumerate(geoms):
        made.append(visual(model, geom, f"visual{number}", geom_pose(model, geom), meshes))
    for number, box in enumerate(touching_boxes(model, geoms)):
        size = element("box", element("size", box.size_m))
        made.append(collision(f"collision{number}", box.T_link_box, size, model.geom_friction[geoms[0]]))
    return made


def inertial(model: Any, body: int) -> Element:
    """Mass, centre and moments of a body, in its principal frame."""
    moments = dict(zip(("ixx", "iyy", "izz"), model.body_inertia[body], strict=True))
    products = dict.fromkeys(("ixy", "ixz", "iyz"), 0.0)
    T_body_principal = transform(model.body_ipos[body], model.body_iquat[body])
    inertia = element("inertia", *children(**(moments | products)))
    return element("inertial", element("mass", model.body_mass[body]), pose(T_body_principal), inertia)


def _joint(model: Any, body: int, robot: Robot, sensors: Sensors, dialect: Dialect) -> Element:
    parent, child = (link_name(model, robot, end) for end in (model.body_parentid[body], body))
    ends = children(parent=parent, child=child)
    if model.body_jntnum[body] == 0:
        fixed = f"{robot.name}_{FIXED[model.body(body).name]}"
        return element("joint", *ends, wrist_sensor(robot, sensors, dialect), type="fixed", name=fixed)
    joint = int(model.body_jntadr[body])
    slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
    (lower, upper), gains = model.jnt_range[joint], joint_gains(model, joint)
    limit = element("limit", *children(lower=lower, upper=upper, effort=gains.most_effort))
    damping = element("dynamics", element("damping", gains.damping))
    return element(
        "joint",
        *ends,
        element("axis", element("xyz", model.jnt_axis[joint]), limit, damping),
        # The damping is many times what the light links bear in an explicit step.
        element("physics", element("ode", element("implicit_spring_damper", True))),
        type="prismatic" if slides else "revolute",
        name=(robot.joint_names + robot.finger_joint_names)[joint],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        print(_write(options))
    except AutoGLMError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    return 0


def _write(options: argparse.Namespace) -> Path:
    if options.seed < 0 or options.count < 1:
        raise ConfigError(f"--seed must be 0 or more and --count 1 or more, got {options.seed} and {options.count}")
    robot = Robot.from_file(options.robot_file or shipped("panda.yaml"))
    camera, sensors = CameraSettings.from_file(options.camera_file), Sensors.from_file(options.sensors_file)
    scene = sample_grasp_scene(replace(suite_named("primitives"), objects=options.count), (), options.seed)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="autoglm-gazebo-"))
    return write_world(scene, Setting(robot, camera, sensors), Dialect.named(options.gazebo), folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gazebo_world", description="Write a world for Gazebo and print where it is.")
    parser.add_argument("--folder", type=Path, help="for the world and its meshes; a new temporary one if not given")
    parser.add_argument("--gazebo", default="gz", help=f"which Gazebo: {', '.join(DIALECTS)}; ignition is Fortress")
    parser.add_argument("--seed", type=int, default=0, help="of the scene on the table")
    parser.add_argument("--count", type=int, default=3, help="how many objects lie there")
    for name in ("robot", "camera", "sensors"):
        parser.add_argument(f"--{name}-file", type=_path, help=f"your own {name} settings in place of the shipped ones")
    return parser


def _path(text: str) -> Path | None:
    """A path; None for an empty one, as launch files pass what was not given."""
    return Path(text).expanduser() if text else None
