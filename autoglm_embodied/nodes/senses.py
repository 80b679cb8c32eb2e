"""The sensor topics of the fusion node, from subscription to pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState

from autoglm_embodied.errors import SensorError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.camera_input import CameraInput, CameraTopics
from autoglm_embodied.nodes.cdr import read_wrench
from autoglm_embodied.nodes.conversions import JointReader
from autoglm_embodied.nodes.meter import Meter
from autoglm_embodied.nodes.parameters import parameter
from autoglm_embodied.nodes.polled import PolledSubscription
from autoglm_embodied.nodes.qos import FAST
from autoglm_embodied.nodes.ticker import Ticker
from autoglm_embodied.types import FloatArray

if TYPE_CHECKING:
    from autoglm_embodied.pipeline import Pipeline

TOPICS = {
    "rgb": "camera/color/image_raw",
    "depth": "camera/depth/image_raw",
    "camera_info": "camera/color/camera_info",
    "wrench": "force_torque_sensor_broadcaster/wrench",
    "joints": "joint_states",
}
RATES_HZ = {"camera_hz": 30.0, "wrench_hz": 1000.0, "joints_hz": 1000.0}
POLL_HZ = 100.0  # between ticks, so that a tick finds little left to do
LOG_PERIOD_S = 2.0


class Senses:
    """Subscribes to the sensors while it lives, counts what comes and pushes it into the pipeline."""

    def __init__(
        self, node: Node, pipeline: Pipeline, robot: Robot, T_base_camera: FloatArray, fail: Callable[[Exception], None]
    ) -> None:
        self.refused = 0
        self._node = node
        self._pipeline = pipeline
        self._reader = JointReader(robot.joint_names + robot.finger_joint_names)
        self._wrenches = Meter(value(node, "wrench_hz"))
        self._joints = Meter(value(node, "joints_hz"))
        topics = CameraTopics(*(value(node, f"topics.{name}") for name in ("rgb", "depth", "camera_info")))
        self._camera = CameraInput(
            node, topics, T_base_camera, value(node, "camera_hz"), pipeline.push_frame, self._refuse, fail
        )
        self._fast = [
            PolledSubscription(node, WrenchStamped, value(node, "topics.wrench"), self._on_wrench, FAST, raw=True),
            PolledSubscription(node, JointState, value(node, "topics.joints"), self._on_joints, FAST, raw=True),
        ]
        self._poller = Ticker(POLL_HZ, self.poll, fail)

    def poll(self) -> None:
        """Push all wrenches and joint states that wait; from any thread."""
        for subscription in self._fast:
            subscription.poll()

    def close(self) -> None:
        """Unsubscribe and end all threads; from the executor's thread."""
        self._poller.close()
        for polled in self._fast:
            polled.destroy()
        self._camera.close()

    def health(self) -> dict[str, float | int | str]:
        """Rate, count and loss of every topic."""
        meters = {
            "rgb": self._camera.rgb,
            "depth": self._camera.depth,
            "wrench": self._wrenches,
            "joints": self._joints,
        }
        values: dict[str, float | int | str] = {"frames_encoded": self._camera.encoded, "refused": self.refused}
        for name, meter in meters.items():
            values |= {f"{name}_hz": meter.rate_hz(), f"{name}_received": meter.received, f"{name}_lost": meter.lost}
        for name, clock in self._pipeline.aligner.clocks().items():
            if clock is not None:
                offset_ns = clock.offset_ns - (time.time_ns() - time.monotonic_ns())
                values |= {f"{name}_clock_behind_ms": -offset_ns / 1e6, f"{name}_clock_drift_ppm": clock.drift_ppm}
                values |= {f"{name}_clock_residual_us": clock.residual_ns / 1e3}
        return values | {"wrench_trouble": self._pipeline.aligner.trouble()}

    def _on_wrench(self, data: bytes) -> None:
        receive_ns = time.monotonic_ns()
        try:
            stamp_ns, _, wrench = read_wrench(data)
            self._wrenches.count(stamp_ns, receive_ns)
            self._pipeline.push_wrench(stamp_ns, receive_ns, wrench)
        except SensorError as error:
            self._refuse(error)

    def _on_joints(self, data: bytes) -> None:
        receive_ns = time.monotonic_ns()
        try:
            stamp_ns, position, velocity = self._reader.read(data)
            self._joints.count(stamp_ns, receive_ns)
            self._pipeline.push_joints(stamp_ns, receive_ns, position, velocity)
        except SensorError as error:
            self._refuse(error)

    def _refuse(self, error: SensorError) -> None:
        self.refused += 1
        self._node.get_logger().warning(str(error), throttle_duration_sec=LOG_PERIOD_S)


def declare(node: Node) -> None:
    """Declare the parameters: topics and their nominal rates."""
    for topic, default in TOPICS.items():
        parameter(node, f"topics.{topic}", default)
    for rate, default_hz in RATES_HZ.items():
        parameter(node, rate, default_hz)


def value(node: Node, name: str) -> Any:
    """What a declared parameter is now."""
    return node.get_parameter(name).value
