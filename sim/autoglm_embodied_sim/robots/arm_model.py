"""The MuJoCo model of an arm with the Panda's hand: the Menagerie's Panda, or links made of a robot file's capsules."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree

import mujoco

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import PER_CAPSULE, Robot
from autoglm_embodied_sim.robots import hand_model
from autoglm_embodied_sim.robots.servo import VELOCITY_LEAD_S
from autoglm_embodied_sim.sensors.sensor_specs import FINGERS, PANDA

TOOL_BELOW_HAND_M = 0.1034
STRONG_N_M = 50.0  # joints of a larger torque carry the arm, those of a smaller one turn the wrist
STRONG_STIFFNESS, WRIST_STIFFNESS = 4500.0, 2000.0  # N·m/rad, as the Panda's in the Menagerie
ARMATURE, DAMPING = 0.1, 1.0  # kg·m², N·m·s/rad; likewise
DENSITY_KG_M3 = 1000.0  # of the capsules; a UR5e of them weighs about what it should, and its weight is compensated
ARM_CONTACT = 2  # parts of the arm touch the table, objects and the hand, not each other: neighbours overlap


def arm_spec(robot: Robot) -> Any:
    """An MjSpec of an arm at the origin, with bodies `link0` to `hand` and joints `joint1` and so on.

    Raises:
        ConfigError: the robot's file lacks what the simulator needs.
    """
    _require_what_is_needed(robot)
    spec = mujoco.MjSpec.from_file(str(hand_model.panda_file())) if is_panda(robot) else _linkage(robot)
    for number in range(1, robot.joints + 1):
        limits = robot.joint_lower_rad[number - 1], robot.joint_upper_rad[number - 1]
        actuator = spec.actuator(f"actuator{number}")
        spec.joint(f"joint{number}").range = actuator.ctrlrange = limits
        if robot.joint_torque_n_m:
            most_n_m = robot.joint_torque_n_m[number - 1]
            actuator.forcelimited, actuator.forcerange = True, [-most_n_m, most_n_m]
    return spec


def _require_what_is_needed(robot: Robot) -> None:
    if not robot.home_rad:
        raise ConfigError(f"the simulated arm begins at home, but the file of {robot.name} has no home_rad; add it")
    if len(robot.finger_joint_names) != FINGERS:
        raise ConfigError(
            f"the simulated hand has {FINGERS} fingers, got {len(robot.finger_joint_names)} finger_joint_names of "
            f"{robot.name}"
        )
    bare = set(range(1, robot.joints + 1)) - set(robot.capsule_links)
    if bare:
        raise ConfigError(
            f"the simulator makes an arm of its capsules, but {robot.name} has none of link {min(bare)}; "
            "complete capsule_links and capsules_m"
        )


def is_panda(robot: Robot) -> bool:
    """Whether it has the Panda's links, whatever its limits and names are."""
    ours, pandas = (
        (each.links, each.theta_rad.tolist(), each.tool_xyz_m, each.tool_yaw_rad) for each in (robot, PANDA)
    )
    return ours == pandas


def _linkage(robot: Robot) -> Any:
    """The arm as its DH table and its capsules have it; the hand's own collision geometry takes the place of its."""
    file = hand_model.panda_file().with_name("hand.xml")
    root = ElementTree.parse(file).getroot()  # noqa: S314 - of a pinned package
    compiler, world = _found(root, "compiler"), _found(root, "worldbody")
    compiler.set("meshdir", str(file.parent / compiler.get("meshdir", "")))
    hand = _found(world, "body")
    world.remove(hand)
    body = ElementTree.SubElement(world, "body", {"name": "link0"})
    _add_capsules(body, robot, 0)
    for joint in range(1, robot.joints + 1):
        body = _add_link(body, robot, joint)
    half = robot.tool_yaw_rad / 2
    hand.set("pos", _text(*robot.tool_xyz_m[:2], robot.tool_xyz_m[2] - TOOL_BELOW_HAND_M))
    hand.set("quat", _text(math.cos(half), 0, 0, math.sin(half)))
    body.append(hand)
    spec = mujoco.MjSpec.from_string(ElementTree.tostring(root, "unicode"))
    for joint in range(1, robot.joints + 1):
        _add_servo(spec, robot, joint)
    return spec


def _add_link(parent: ElementTree.Element, robot: Robot, joint: int) -> ElementTree.Element:
    a, d, cos_alpha, sin_alpha = robot.links[joint - 1]
    alpha, theta = math.atan2(sin_alpha, cos_alpha) / 2, float(robot.theta_rad[joint - 1]) / 2
    about_x, about_z = (math.cos(alpha), math.sin(alpha)), (math.cos(theta), math.sin(theta))
    turn = [about_x[i] * about_z[j] for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]  # of RotX(alpha) RotZ(theta)
    pose = {"pos": _text(a, -d * sin_alpha, d * cos_alpha), "quat": _text(turn[0], turn[1], -turn[2], turn[3])}
    body = ElementTree.SubElement(parent, "body", {"name": f"link{joint}"} | pose)
    dynamics = {"armature": str(ARMATURE), "damping": str(DAMPING)}
    ElementTree.SubElement(body, "joint", {"name": f"joint{joint}", "axis": "0 0 1"} | dynamics)
    _add_capsules(body, robot, joint)
    return body


def _found(parent: ElementTree.Element, tag: str) -> ElementTree.Element:
    child = parent.find(tag)
    assert child is not None, tag
    return child


def _add_capsules(body: ElementTree.Element, robot: Robot, link: int) -> None:
    for index, at in enumerate(robot.capsule_links):
        if at == link:
            *ends, radius = robot.capsules_m[PER_CAPSULE * index : PER_CAPSULE * (index + 1)]
            made = {"contype": str(ARM_CONTACT), "density": str(DENSITY_KG_M3)}
            shape = {"type": "capsule", "fromto": _text(*ends), "size": _text(radius)}
            ElementTree.SubElement(body, "geom", made | shape)


def _text(*numbers: float) -> str:
    return " ".join(repr(float(number)) for number in numbers)


def _add_servo(spec: Any, robot: Robot, joint: int) -> None:
    most_n_m = robot.joint_torque_n_m[joint - 1] if robot.joint_torque_n_m else STRONG_N_M
    stiffness = STRONG_STIFFNESS if most_n_m >= STRONG_N_M else WRIST_STIFFNESS
    servo = spec.add_actuator(name=f"actuator{joint}", target=f"joint{joint}", trntype=mujoco.mjtTrn.mjTRN_JOINT)
    servo.set_to_position(kp=stiffness, kv=VELOCITY_LEAD_S * stiffness)
