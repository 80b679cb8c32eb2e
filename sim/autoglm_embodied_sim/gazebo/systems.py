"""The systems of new Gazebo that a world needs; Gazebo 11 has what it needs built in."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.kinematics import Robot
from autoglm_embodied_sim.gazebo.dialect import Dialect
from autoglm_embodied_sim.gazebo.element import Element, element
from autoglm_embodied_sim.gazebo.gains import Gains

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
