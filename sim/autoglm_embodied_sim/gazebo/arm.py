"""The arm with its hand and its wrist sensor as an SDF model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco

from autoglm_embodied.kinematics import Robot
from autoglm_embodied_sim.gazebo.element import Dialect, Element, children, element, pose, transform
from autoglm_embodied_sim.gazebo.shapes import collision, geom_pose, touching_boxes, visual
from autoglm_embodied_sim.gazebo.systems import all_gains, controllers, joint_gains, wrist_sensor
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

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
