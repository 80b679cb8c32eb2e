"""The sensor topics of the fusion node, from subscription to pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from autoglm_embodied_interfaces.msg import WrenchBatch
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState

from autoglm_embodied.errors import SensorError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.camera_input import CameraInput, CameraTopics
from autoglm_embodied.nodes.complaints import Rate, complaint, of_either
from autoglm_embodied.nodes.conversions import JointReader
from autoglm_embodied.nodes.meter import Meter
from autoglm_embodied.nodes.parameters import parameter, rate_parameter, require_rate
from autoglm_embodied.nodes.qos import FAST
from autoglm_embodied.nodes.refusals import Refusals
from autoglm_embodied.nodes.sensor_topic import SensorTopic
from autoglm_embodied.nodes.ticker import Ticker
from autoglm_embodied.nodes.wrench_input import WrenchInput
from autoglm_embodied.types import FloatArray

if TYPE_CHECKING:
    from autoglm_embodied.pipeline import Pipeline

TOPICS = {
    "rgb": "camera/color/image_raw",
    "depth": "camera/depth/image_raw",
    "camera_info": "camera/color/camera_info",
    "wrench": "force_torque_sensor_broadcaster/wrench",
    "wrench_batch": "force_torque_sensor_broadcaster/wrench_batch",
    "joints": "joint_states",
}
RATES_HZ = {"camera_hz": 30.0, "wrench_hz": 1000.0, "joints_hz": 1000.0}
RATE_OF = {"rgb": "camera_hz", "depth": "camera_hz", "wrench": "wrench_hz", "joints": "joints_hz"}
POLL_HZ = 100.0  # between ticks, so that a tick finds little left to do
LOOK_PERIOD_S = 0.5  # for publishers that came or went
LOG_PERIOD_S = 2.0


class Senses:
    """Subscribes to the sensors while it lives, counts what comes and pushes it into the pipeline."""

    def __init__(
        self, node: Node, pipeline: Pipeline, robot: Robot, T_base_camera: FloatArray, fail: Callable[[Exception], None]
    ) -> None:
        self._node = node
        self._pipeline = pipeline
        self._refusals = Refusals(partial(node.get_logger().warning, throttle_duration_sec=LOG_PERIOD_S))
        self._reader = JointReader(robot.joint_names + robot.finger_joint_names)
        self._wrenches = Meter(rate(node, "wrench_hz"))
        self._joints = Meter(rate(node, "joints_hz"))
        self._wrench = WrenchInput(
            robot.wrench_frame, self._wrenches, pipeline.push_wrench, partial(self._refusals.refuse, "wrench")
        )
        topics = CameraTopics(*(value(node, f"topics.{name}") for name in ("rgb", "depth", "camera_info")))
        self._camera = CameraInput(
            node, topics, T_base_camera, rate(node, "camera_hz"), pipeline.push_frame, self._refusals.refuse, fail
        )
        self._fast = {
            "wrench": self._topic(WrenchStamped, "wrench", self._wrench.take, self._wrenches),
            "wrench_batch": self._topic(WrenchBatch, "wrench_batch", self._wrench.take_batch, self._wrenches),
            "joints": self._topic(JointState, "joints", self._on_joints, self._joints),
        }
        self._paired = 0
        self._poller = Ticker(POLL_HZ, self.poll, fail)
        self._looker = node.create_timer(LOOK_PERIOD_S, self._look)

    def poll(self) -> None:
        """Push all wrenches and joint states that wait; from any thread."""
        for topic in self._fast.values():
            topic.poll()

    def close(self) -> None:
        """Unsubscribe and end all threads; from the executor's thread."""
        self._node.destroy_timer(self._looker)
        self._poller.close()
        for topic in self._fast.values():
            topic.destroy()
        self._camera.close()

    def health(self) -> tuple[dict[str, float | int | str], list[str]]:
        """Rate, count and loss of every topic, and what is wrong with them, a sentence each."""
        meters = {
            "rgb": self._camera.rgb,
            "depth": self._camera.depth,
            "wrench": self._wrenches,
            "joints": self._joints,
        }
        values: dict[str, float | int | str] = {"frames_encoded": self._camera.encoded}
        values |= {"frames_skipped": self._camera.skipped} | self._refusals.values()
        rates_hz = {name: meter.rate_hz() for name, meter in meters.items()}
        for name, meter in meters.items():
            values |= {f"{name}_hz": rates_hz[name], f"{name}_received": meter.received, f"{name}_lost": meter.lost}
        for name, clock in self._pipeline.aligner.clocks().items():
            if clock is not None:
                offset_ns = clock.offset_ns - (time.time_ns() - time.monotonic_ns())
                values |= {f"{name}_clock_behind_ms": -offset_ns / 1e6, f"{name}_clock_drift_ppm": clock.drift_ppm}
                values |= {f"{name}_clock_residual_us": clock.residual_ns / 1e3}
        values["wrench_trouble"] = self._pipeline.aligner.trouble()
        return values, self._troubles(rates_hz)

    def _troubles(self, rates_hz: dict[str, float]) -> list[str]:
        troubles = self._complaints(rates_hz) + self._refusals.news()
        if rates_hz["rgb"] and rates_hz["depth"] and self._camera.paired == self._paired:
            troubles.append("no frame: colour and depth never bear the same stamp; let the driver synchronise them")
        self._paired = self._camera.paired
        lost = sum(meter.lost for meter in (self._camera.rgb, self._camera.depth, self._wrenches, self._joints))
        if lost:
            troubles.append(f"{lost} messages lost; use the transports of config/fastdds.xml, and unload this machine")
        trouble = self._pipeline.aligner.trouble()
        return troubles + ([f"wrench {trouble}"] if trouble else [])

    def _complaints(self, rates_hz: dict[str, float]) -> list[str]:
        found = [self._complaint(name, name, rates_hz[name]) for name in ("rgb", "depth", "joints")]
        carrier = of_either("wrench", "wrench_batch", self._fast["wrench"], self._fast["wrench_batch"])
        found.append(self._complaint("wrench", carrier, rates_hz["wrench"]))
        if not self._camera.calibrated:
            found.append(complaint("camera_info", self._camera.topics["camera_info"], "topics.camera_info", NOTHING))
        return [sentence for sentence in found if sentence]

    def _complaint(self, stream: str, name: str, hz: float) -> str:
        topic = (self._fast | self._camera.topics)[name]
        parameter = RATE_OF[stream]
        return complaint(stream, topic, f"topics.{name}", Rate(hz, value(self._node, parameter), parameter))

    def _look(self) -> None:
        for topic in (*self._fast.values(), *self._camera.topics.values()):
            topic.look()

    def _topic(self, kind: type[Any], name: str, take: Callable[[bytes], None], meter: Meter) -> SensorTopic:
        return SensorTopic(self._node, kind, value(self._node, f"topics.{name}"), take, FAST, renewed=meter.restart)

    def _on_joints(self, data: bytes) -> None:
        receive_ns = time.monotonic_ns()
        try:
            stamp_ns, position, velocity = self._reader.read(data)
            self._joints.count(stamp_ns, receive_ns)
            self._pipeline.push_joints(stamp_ns, receive_ns, position, velocity)
        except SensorError as error:
            self._refusals.refuse("joints", error)


NOTHING = Rate(0.0, 0.0, "")  # of a topic that may be silent once it has said what it has to say


def declare(node: Node) -> None:
    """Declare the parameters: topics and their nominal rates."""
    for topic, default in TOPICS.items():
        parameter(node, f"topics.{topic}", default)
    for name, default_hz in RATES_HZ.items():
        rate_parameter(node, name, default_hz)


def value(node: Node, name: str) -> Any:
    """What a declared parameter is now."""
    return node.get_parameter(name).value


def rate(node: Node, name: str) -> float:
    """What a declared rate [Hz] is now."""
    return require_rate(node, name, value(node, name))
