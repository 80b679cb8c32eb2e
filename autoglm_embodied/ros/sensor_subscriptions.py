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

from autoglm_embodied.ingest.sensor_input import TOPICS, Intake, Rates
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.camera_subscription import CameraInput, CameraTopics
from autoglm_embodied.ros.parameters import parameter, rate_parameter, require_rate
from autoglm_embodied.ros.qos import FAST
from autoglm_embodied.ros.sensor_topic import SensorTopic
from autoglm_embodied.ros.stream_diagnostics import Rate, of_either, stream_problem
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.types import FloatArray

if TYPE_CHECKING:
    from autoglm_embodied.policy.pipeline import Pipeline

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
        self._rejected = RejectedMessages(partial(node.get_logger().warning, throttle_duration_sec=LOG_PERIOD_S))
        rates = Rates(*(rate(node, name) for name in RATES_HZ))
        self._intake = Intake(pipeline, robot, T_base_camera, rates, self._rejected.reject)
        topics = CameraTopics(*(value(node, f"topics.{name}") for name in ("rgb", "depth", "camera_info")))
        self._camera = CameraInput(node, topics, self._intake, fail)
        self._fast = {
            "wrench": self._topic(WrenchStamped, "wrench"),
            "wrench_batch": self._topic(WrenchBatch, "wrench_batch"),
            "joints": self._topic(JointState, "joints"),
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
        meters = self._intake.meters
        values: dict[str, float | int | str] = {"frames_encoded": self._intake.encoded}
        values |= {"frames_skipped": self._camera.skipped} | self._rejected.values()
        rates_hz = {name: meter.rate_hz() for name, meter in meters.items()}
        for name, meter in meters.items():
            values |= {f"{name}_hz": rates_hz[name], f"{name}_received": meter.received, f"{name}_lost": meter.lost}
        for name, clock in self._pipeline.aligner.clocks().items():
            if clock is not None:
                offset_ns = clock.offset_ns - (time.time_ns() - time.monotonic_ns())
                values |= {f"{name}_clock_behind_ms": -offset_ns / 1e6, f"{name}_clock_drift_ppm": clock.drift_ppm}
                values |= {f"{name}_clock_residual_us": clock.residual_ns / 1e3}
        values["wrench_trouble"] = self._pipeline.aligner.wrench_fault()
        return values, self._troubles(rates_hz)

    def _troubles(self, rates_hz: dict[str, float]) -> list[str]:
        troubles = self._complaints(rates_hz) + self._rejected.news()
        if rates_hz["rgb"] and rates_hz["depth"] and self._intake.paired == self._paired:
            troubles.append("no frame: colour and depth never bear the same stamp; let the driver synchronise them")
        self._paired = self._intake.paired
        lost = sum(meter.lost for meter in self._intake.meters.values())
        if lost:
            troubles.append(f"{lost} messages lost; use the transports of config/fastdds.xml, and unload this machine")
        trouble = self._pipeline.aligner.wrench_fault()
        return troubles + ([f"wrench {trouble}"] if trouble else [])

    def _complaints(self, rates_hz: dict[str, float]) -> list[str]:
        found = [self._complaint(name, name, rates_hz[name]) for name in ("rgb", "depth", "joints")]
        carrier = of_either("wrench", "wrench_batch", self._fast["wrench"], self._fast["wrench_batch"])
        found.append(self._complaint("wrench", carrier, rates_hz["wrench"]))
        if not self._intake.calibrated:
            found.append(
                stream_problem("camera_info", self._camera.topics["camera_info"], "topics.camera_info", NOTHING)
            )
        return [sentence for sentence in found if sentence]

    def _complaint(self, stream: str, name: str, hz: float) -> str:
        topic = (self._fast | self._camera.topics)[name]
        parameter = RATE_OF[stream]
        return stream_problem(stream, topic, f"topics.{name}", Rate(hz, value(self._node, parameter), parameter))

    def _look(self) -> None:
        for topic in (*self._fast.values(), *self._camera.topics.values()):
            topic.look()

    def _topic(self, kind: type[Any], stream: str) -> SensorTopic:
        return SensorTopic(self._node, kind, value(self._node, f"topics.{stream}"), partial(self._take, stream), FAST)

    def _take(self, stream: str, data: bytes) -> None:
        self._intake.take(stream, data, time.monotonic_ns())


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
