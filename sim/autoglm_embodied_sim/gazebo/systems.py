"""The systems of a world and of the arm in it, and the gains that make its joints follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco

from autoglm_embodied.kinematics import Robot
from autoglm_embodied_sim.gazebo.element import Dialect, Element, element
from autoglm_embodied_sim.robots.panda import FINGER_SPEED_M_S
from autoglm_embodied_sim.robots.servo import JOINT_SPEED_RAD_S


@dataclass(frozen=True)
class Gains:
    """Of one joint: a torque [N·m] of `stiffness` x (set-point - angle [rad]) - `damping` x speed; or N and m.

    `most_effort` bounds the spring alone, for that is what Gazebo bounds: what the damping takes at the highest speed
    is in it.
    """

    stiffness: float
    damping: float
    most_effort: float


def all_gains(model: Any, robot: Robot) -> list[Gains]:
    """Those of arm and fingers, in the order of the robot's joint names."""
    return [joint_gains(model, joint) for joint in range(robot.joints + len(robot.finger_joint_names))]


def joint_gains(model: Any, joint: int) -> Gains:
    """What the model's actuator does at a joint; the finger tendon acts on each finger with its coefficient."""
    name = model.joint(joint).name
    for actuator in range(model.nu):
        target = model.actuator_trnid[actuator, 0]
        if model.actuator_trntype[actuator] == mujoco.mjtTrn.mjTRN_JOINT and target == joint:
            return _gains(model, actuator, joint, 1.0)
        if model.actuator_trntype[actuator] == mujoco.mjtTrn.mjTRN_TENDON and name.startswith("finger"):
            return _gains(model, actuator, joint, float(model.wrap_prm[model.tendon_adr[target]]))
    raise ValueError(f"joint {name} has no actuator")


def _gains(model: Any, actuator: int, joint: int, coefficient: float) -> Gains:
    slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
    damping = float(model.dof_damping[model.jnt_dofadr[joint]] - coefficient * model.actuator_biasprm[actuator, 2])
    return Gains(
        stiffness=coefficient * float(model.actuator_gainprm[actuator, 0]),
        damping=damping,
        most_effort=coefficient * float(model.actuator_forcerange[actuator, 1])
        + damping * (FINGER_SPEED_M_S if slides else JOINT_SPEED_RAD_S),
    )


JOINTS_TOPIC = "joint_states"
COMMAND_TOPIC = "joint_trajectory_controller/joint_trajectory"


def world_systems(dialect: Dialect) -> list[Element]:
    """Physics, rendering and wrist sensor, and what the window needs."""
    if dialect.classic:
        return []
    sensors = _system("sensors", "Sensors", dialect, element("render_engine", "ogre2"))
    names = {
        "physics": "Physics",
        "user-commands": "UserCommands",
        "scene-broadcaster": "SceneBroadcaster",
        "forcetorque": "ForceTorque",
    }
    return [*(_system(library, name, dialect) for library, name in names.items()), sensors]


def controllers(robot: Robot, gains: Sequence[Gains], dialect: Dialect) -> list[Element]:
    """What publishes the joint states, and springs that pull the joints to the newest set-points."""
    if dialect.classic:
        return []
    joints = [*robot.joint_names, *robot.finger_joint_names]
    names = [element("joint_name", name) for name in joints]
    springs = [
        element(name, value)
        for one in gains
        for name, value in (
            ("position_p_gain", one.stiffness),
            ("position_cmd_min", -one.most_effort),
            ("position_cmd_max", one.most_effort),
        )
    ]
    return [
        _system("joint-state-publisher", "JointStatePublisher", dialect, element("topic", JOINTS_TOPIC), *names),
        _system(
            "joint-trajectory-controller",
            "JointTrajectoryController",
            dialect,
            element("topic", COMMAND_TOPIC),
            *(element("joint_name", name) for name in joints),
            *springs,
        ),
    ]


def _system(library: str, name: str, dialect: Dialect, *settings: Element) -> Element:
    filename = f"{dialect.library_prefix}{library}-system"
    return element("plugin", *settings, filename=filename, name=f"{dialect.namespace}{name}")
