"""The arm with its hand and its wrist sensor as an SDF model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.element import Dialect, Element, element, pose, transform
from autoglm_embodied_sim.gazebo.sensors import wrist_sensor
from autoglm_embodied_sim.gazebo.shapes import collision, geom_pose, touching_boxes, visual
from autoglm_embodied_sim.gazebo.systems import Gains, all_gains, controllers, joint_gains
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

BASE, HAND = "link0", "hand"
FIXED = {HAND: "ft"}
"""Bodies without a joint that are a link of their own, and the name of what fixes them: the sensor is there."""


def arm_model(model: Any, robot: Robot, sensors: Sensors, meshes: Path, dialect: Dialect) -> Element:
    """The arm, every link and joint named as ROS has them, at zero joint angles."""
    bodies = arm_bodies(model)
    made = element(
        "model", element("joint", *_ends("world", link_name(model, robot, bodies[0])), type="fixed", name="base")
    )
    made.set("name", robot.name)
    for body in bodies:
        made.append(_link(model, body, robot, meshes))
    for body in bodies[1:]:
        made.append(_joint(model, body, robot, sensors, dialect))
    made.extend(controllers(robot, all_gains(model, robot), dialect))
    return made


def arm_bodies(model: Any) -> list[int]:
    """The base and all that hangs on it, parents first."""
    base = model.body(BASE).id
    return [body for body in range(model.nbody) if base in _ancestry(model, body)]


def link_name(model: Any, robot: Robot, body: int) -> str:
    """Of a body of the arm."""
    return f"{robot.name}_{model.body(body).name}"


def joint_name(model: Any, robot: Robot, joint: int) -> str:
    """Of a joint, as in the robot's settings."""
    return (robot.joint_names + robot.finger_joint_names)[joint]


def _ancestry(model: Any, body: int) -> list[int]:
    chain = [body]
    while chain[-1]:
        chain.append(int(model.body_parentid[chain[-1]]))
    return chain


def _link(model: Any, body: int, robot: Robot, meshes: Path) -> Element:
    parent = model.body_parentid[body]
    frame = link_name(model, robot, parent) if parent else ""
    geoms = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] == body]
    made = element(
        "link",
        pose(body_pose(model, body), frame),
        inertial(model, body),
        name=link_name(model, robot, body),
    )
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
    return element(
        "inertial",
        element("mass", model.body_mass[body]),
        pose(transform(model.body_ipos[body], model.body_iquat[body])),
        element("inertia", *(element(name, value) for name, value in (moments | products).items())),
    )


def body_pose(model: Any, body: int) -> FloatArray:
    """(4, 4) of a body in its parent, its joint at zero."""
    return transform(model.body_pos[body], model.body_quat[body])


def _joint(model: Any, body: int, robot: Robot, sensors: Sensors, dialect: Dialect) -> Element:
    ends = _ends(link_name(model, robot, model.body_parentid[body]), link_name(model, robot, body))
    if model.body_jntnum[body] == 0:
        fixed = f"{robot.name}_{FIXED[model.body(body).name]}"
        return element("joint", *ends, wrist_sensor(robot, sensors, dialect), type="fixed", name=fixed)
    joint = int(model.body_jntadr[body])
    slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
    return element(
        "joint",
        *ends,
        _axis(model.jnt_axis[joint], model.jnt_range[joint], joint_gains(model, joint)),
        # The damping is many times what the light links bear in an explicit step.
        element("physics", element("ode", element("implicit_spring_damper", True))),
        type="prismatic" if slides else "revolute",
        name=joint_name(model, robot, joint),
    )


def _ends(parent: str, child: str) -> tuple[Element, Element]:
    return element("parent", parent), element("child", child)


def _axis(direction: FloatArray, range_rad: FloatArray, gains: Gains) -> Element:
    limit = element(
        "limit",
        element("lower", range_rad[0]),
        element("upper", range_rad[1]),
        element("effort", gains.most_effort),
    )
    return element(
        "axis",
        element("xyz", np.asarray(direction)),
        limit,
        element("dynamics", element("damping", gains.damping)),
    )
