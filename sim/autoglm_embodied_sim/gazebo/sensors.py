"""Camera and wrist sensor in SDF."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.element import Dialect, Element, element, pose
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

WRENCH_TOPIC = "force_torque_sensor_broadcaster/wrench"
CAMERA_TOPIC = "camera"
CLASSIC_DEPTH_SHARE = 2  # of width and height: without a GPU, Gazebo 11 keeps 30 Hz on a busy machine only so
OPTICAL_TO_GAZEBO = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
"""Gazebo looks along x with z up, an optical frame (REP 103) along z with y down."""


def wrist_sensor(robot: Robot, sensors: Sensors, dialect: Dialect) -> Element:
    """What the hand weighs on the flange, in the hand's frame."""
    measured = element("force_torque", element("frame", "child"), element("measure_direction", "child_to_parent"))
    if not dialect.classic:  # Gazebo 11 knows no noise of wrenches
        for quantity, errors in (("force", sensors.wrench.force_n), ("torque", sensors.wrench.torque_n_m)):
            sigmas = np.broadcast_to(np.asarray(errors.sigma, float), 3)
            measured.append(
                element(quantity, *(_noise(axis, sigma) for axis, sigma in zip("xyz", sigmas, strict=True)))
            )
    return element(
        "sensor",
        element("always_on", True),
        element("update_rate", sensors.wrench.timing.rate_hz),
        *_published(WRENCH_TOPIC, robot.wrench_frame, dialect),
        measured,
        type="force_torque",
        name=robot.wrench_frame,
    )


def camera_model(camera: CameraSettings, sensors: Sensors, clip_m: FloatArray, dialect: Dialect) -> Element:
    """The fixed camera; colour and depth of one sensor, in Gazebo 11 of two."""
    rate_hz, size = sensors.colour.timing.rate_hz, (camera.width, camera.height)
    if dialect.classic:
        halved = (camera.width // CLASSIC_DEPTH_SHARE, camera.height // CLASSIC_DEPTH_SHARE)
        taken = [
            _camera("color", "camera", camera, size, clip_m, rate_hz, dialect),
            _camera("depth", "depth", camera, halved, clip_m, rate_hz, dialect),
        ]
    else:
        taken = [_camera("camera", "rgbd_camera", camera, size, clip_m, rate_hz, dialect)]
    link = element("link", *taken, name="link")
    placed = pose(camera.T_base_camera @ OPTICAL_TO_GAZEBO)
    return element("model", element("static", True), placed, link, name="camera")


def horizontal_angle_rad(camera: CameraSettings) -> float:
    """Horizontal field of view."""
    aspect = camera.width / camera.height
    return float(2 * np.arctan(aspect * np.tan(np.radians(camera.fovy_deg) / 2)))


def _camera(
    name: str,
    kind: str,
    camera: CameraSettings,
    size: tuple[int, int],
    clip_m: FloatArray,
    rate_hz: float,
    dialect: Dialect,
) -> Element:
    image = element("image", element("width", str(size[0])), element("height", str(size[1])))
    if kind == "camera":
        image.append(element("format", "R8G8B8"))
    return element(
        "sensor",
        element("always_on", True),
        element("update_rate", rate_hz),
        *_published(CAMERA_TOPIC, camera.frame_id, dialect),
        element(
            "camera",
            element("horizontal_fov", horizontal_angle_rad(camera)),
            image,
            element("clip", element("near", clip_m[0]), element("far", clip_m[1])),
        ),
        type=kind,
        name=name,
    )


def _published(topic: str, frame: str, dialect: Dialect) -> list[Element]:
    """Where and in which frame; Gazebo 11 makes the topic out of the sensor's place in the world."""
    return [] if dialect.classic else [element("topic", topic), element(dialect.frame_element, frame)]


def _noise(axis: str, sigma: float) -> Element:
    return element(axis, element("noise", element("mean", 0.0), element("stddev", sigma), type="gaussian"))
