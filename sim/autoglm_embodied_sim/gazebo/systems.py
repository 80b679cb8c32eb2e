"""Camera, wrist sensor and systems of a world, and the gains that make the arm's joints follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.element import Dialect, Element, children, element, pose
from autoglm_embodied_sim.robots.servo import FINGER_SPEED_M_S, JOINT_SPEED_RAD_S
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

JOINTS_TOPIC = "joint_states"
COMMAND_TOPIC = "joint_trajectory_controller/joint_trajectory"
WRENCH_TOPIC = "force_torque_sensor_broadcaster/wrench"
CAMERA_TOPIC = "camera"
CLASSIC_DEPTH_SHARE = 2  # of width and height: without a GPU, Gazebo 11 keeps 30 Hz on a busy machine only so
OPTICAL_TO_GAZEBO = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
"""Gazebo looks along x with z up, an optical frame (REP 103) along z with y down."""


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
    observed, commanded = ([element("joint_name", name) for name in joints] for _ in range(2))
    springs = [
        child
        for each in gains
        for child in children(
            position_p_gain=each.stiffness, position_cmd_min=-each.most_effort, position_cmd_max=each.most_effort
        )
    ]
    return [
        _system("joint-state-publisher", "JointStatePublisher", dialect, element("topic", JOINTS_TOPIC), *observed),
        _system(
            "joint-trajectory-controller",
            "JointTrajectoryController",
            dialect,
            element("topic", COMMAND_TOPIC),
            *commanded,
            *springs,
        ),
    ]


def _system(library: str, name: str, dialect: Dialect, *settings: Element) -> Element:
    filename = f"{dialect.library_prefix}{library}-system"
    return element("plugin", *settings, filename=filename, name=f"{dialect.namespace}{name}")


def wrist_sensor(robot: Robot, sensors: Sensors, dialect: Dialect) -> Element:
    """What the hand weighs on the flange, in the hand's frame."""
    measured = element("force_torque", *children(frame="child", measure_direction="child_to_parent"))
    if not dialect.classic:  # Gazebo 11 knows no noise of wrenches
        for quantity, errors in (("force", sensors.wrench.force_n), ("torque", sensors.wrench.torque_n_m)):
            sigmas = np.broadcast_to(np.asarray(errors.sigma, float), 3)
            noises = [_noise(axis, sigma) for axis, sigma in zip("xyz", sigmas, strict=True)]
            measured.append(element(quantity, *noises))
    return element(
        "sensor",
        *children(always_on=True, update_rate=sensors.wrench.timing.rate_hz),
        *_published(WRENCH_TOPIC, robot.wrench_frame, dialect),
        measured,
        type="force_torque",
        name=robot.wrench_frame,
    )


def camera_model(camera: CameraSettings, sensors: Sensors, clip_m: FloatArray, dialect: Dialect) -> Element:
    """The fixed camera; colour and depth of one sensor, in Gazebo 11 of two."""
    kinds = {"color": ("camera", 1), "depth": ("depth", CLASSIC_DEPTH_SHARE)}
    if not dialect.classic:
        kinds = {"camera": ("rgbd_camera", 1)}
    shared = children(always_on=True, update_rate=sensors.colour.timing.rate_hz)
    shared += _published(CAMERA_TOPIC, camera.frame_id, dialect)
    optics = children(horizontal_fov=horizontal_angle_rad(camera))
    clip = element("clip", *children(near=clip_m[0], far=clip_m[1]))
    taken = []
    for name, (kind, share) in kinds.items():
        image = element("image", *children(width=camera.width // share, height=camera.height // share))
        image.extend(children(format="R8G8B8") if kind == "camera" else [])
        taken.append(element("sensor", *shared, element("camera", *optics, image, clip), type=kind, name=name))
    link = element("link", *taken, name="link")
    placed = pose(camera.T_base_camera @ OPTICAL_TO_GAZEBO)
    return element("model", element("static", True), placed, link, name="camera")


def horizontal_angle_rad(camera: CameraSettings) -> float:
    """Horizontal field of view."""
    aspect = camera.width / camera.height
    return float(2 * np.arctan(aspect * np.tan(np.radians(camera.fovy_deg) / 2)))


def _published(topic: str, frame: str, dialect: Dialect) -> list[Element]:
    """Where and in which frame; Gazebo 11 makes the topic out of the sensor's place in the world."""
    return [] if dialect.classic else [element("topic", topic), element(dialect.frame_element, frame)]


def _noise(axis: str, sigma: float) -> Element:
    return element(axis, element("noise", *children(mean=0.0, stddev=sigma), type="gaussian"))
