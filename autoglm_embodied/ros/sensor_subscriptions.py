"""The sensor topics of the fusion node, from subscription to aligner."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from rclpy.node import Node

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS, NominalRates, SensorInput, SensorSink
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.adaptive_subscription import AdaptiveSubscription
from autoglm_embodied.ros.camera_subscription import CameraSubscription, CameraTopics
from autoglm_embodied.ros.parameters import parameter, rate, rate_parameter, value
from autoglm_embodied.ros.raw_subscriptions import STREAM_TYPES
from autoglm_embodied.ros.stream_diagnostics import StreamRate, carrying_topic, stream_problem
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.types import FloatArray

RATES_HZ = {"camera_hz": 30.0, "wrench_hz": 1000.0, "joints_hz": 1000.0}
RATE_OF = {"rgb": "camera_hz", "depth": "camera_hz", "wrench": "wrench_hz", "joints": "joints_hz"}
POLL_HZ = 100.0  # between ticks, so that a tick finds little left to do
DISCOVERY_PERIOD_S = 0.5  # for publishers that came or went
LOG_PERIOD_S = 2.0
NO_RATE = StreamRate(0.0, 0.0, "")  # of a topic that may be silent once its one message came


def declare_parameters(node: Node) -> None:
    """Declare the parameters: topics and their nominal rates."""
    for name, stream in SENSOR_STREAMS.items():
        parameter(node, f"topics.{name}", stream.topic)
    for name, default_hz in RATES_HZ.items():
        rate_parameter(node, name, default_hz)


class AlignedSink(SensorSink, Protocol):
    """A sink with an aligner, such as a Pipeline."""

    @property
    def aligner(self) -> Aligner:
        """Tells of the clocks of the sensors and of the wrench."""
        ...


class SensorSubscriptions:
    """Subscribes to the sensors until it is closed, counts what comes and pushes it into the sink.

    Args:
        node: with the parameters that `declare_parameters` declares.
        sink: takes the data.
        robot: names the joints and the frame of the wrench.
        T_base_camera: (4, 4) pose of the camera's optical frame.
        fail: takes an error that ended a thread.
    """

    def __init__(
        self, node: Node, sink: AlignedSink, robot: Robot, T_base_camera: FloatArray, fail: Callable[[Exception], None]
    ) -> None:
        self._node = node
        self._sink = sink
        self._rejected = RejectedMessages(partial(node.get_logger().warning, throttle_duration_sec=LOG_PERIOD_S))
        rates = NominalRates(*(rate(node, name) for name in RATES_HZ))
        self._input = SensorInput(sink, robot, T_base_camera, rates, self._rejected.reject)
        topics = CameraTopics(*(value(node, f"topics.{name}") for name in ("rgb", "depth", "camera_info")))
        self._camera = CameraSubscription(node, topics, self._input, fail)
        self._fast = {stream: self._subscribe(stream) for stream in ("wrench", "wrench_batch", "joints")}
        self._paired = 0
        self._poller = Ticker(POLL_HZ, self.poll, fail)
        self._discovery = node.create_timer(DISCOVERY_PERIOD_S, self._update_publishers)

    def poll(self) -> None:
        """Push all wrenches and joint states that wait; from any thread."""
        for subscription in self._fast.values():
            subscription.poll()

    def close(self) -> None:
        """Unsubscribe and end all threads; from the executor's thread."""
        self._node.destroy_timer(self._discovery)
        self._poller.close()
        for subscription in self._fast.values():
            subscription.destroy()
        self._camera.close()

    def health(self) -> tuple[dict[str, float | int | str], list[str]]:
        """Rate, count and loss of every stream, and what is wrong with them, a sentence each."""
        meters = self._input.meters
        values: dict[str, float | int | str] = {"frames_encoded": self._input.frames_pushed}
        values |= {"frames_skipped": self._camera.skipped} | self._rejected.values()
        rates_hz = {name: meter.rate_hz() for name, meter in meters.items()}
        for name, meter in meters.items():
            values |= {f"{name}_hz": rates_hz[name], f"{name}_received": meter.received, f"{name}_lost": meter.lost}
        for name, clock in self._sink.aligner.clocks().items():
            if clock is not None:
                offset_ns = clock.offset_ns - (time.time_ns() - time.monotonic_ns())
                values |= {f"{name}_clock_behind_ms": -offset_ns / 1e6, f"{name}_clock_drift_ppm": clock.drift_ppm}
                values |= {f"{name}_clock_residual_us": clock.residual_ns / 1e3}
        values["wrench_trouble"] = self._sink.aligner.wrench_fault()
        return values, self._problems(rates_hz)

    def _problems(self, rates_hz: dict[str, float]) -> list[str]:
        problems = self._stream_problems(rates_hz) + self._rejected.summaries_since_last()
        if rates_hz["rgb"] and rates_hz["depth"] and self._input.paired == self._paired:
            problems.append("no frame: colour and depth never bear the same stamp; let the driver synchronise them")
        self._paired = self._input.paired
        lost = sum(meter.lost for meter in self._input.meters.values())
        if lost:
            problems.append(f"{lost} messages lost; use the transports of config/fastdds.xml, and unload this machine")
        wrench = self._sink.aligner.wrench_fault()
        return problems + ([f"wrench {wrench}"] if wrench else [])

    def _stream_problems(self, rates_hz: dict[str, float]) -> list[str]:
        found = [self._stream_problem(name, name, rates_hz[name]) for name in ("rgb", "depth", "joints")]
        wrench_topic = carrying_topic(self._fast, "wrench", "wrench_batch")
        found.append(self._stream_problem("wrench", wrench_topic, rates_hz["wrench"]))
        if not self._input.calibrated:
            camera_info = self._camera.subscriptions["camera_info"]
            found.append(stream_problem("camera_info", camera_info, "topics.camera_info", NO_RATE))
        return [sentence for sentence in found if sentence]

    def _stream_problem(self, stream: str, name: str, hz: float) -> str:
        subscription = (self._fast | self._camera.subscriptions)[name]
        nominal = RATE_OF[stream]
        return stream_problem(
            stream, subscription, f"topics.{name}", StreamRate(hz, value(self._node, nominal), nominal)
        )

    def _update_publishers(self) -> None:
        for subscription in (*self._fast.values(), *self._camera.subscriptions.values()):
            subscription.update_publishers()

    def _subscribe(self, stream: str) -> AdaptiveSubscription:
        message_type, qos = STREAM_TYPES[stream]
        topic = value(self._node, f"topics.{stream}")
        return AdaptiveSubscription(self._node, message_type, topic, partial(self._take, stream), qos)

    def _take(self, stream: str, data: bytes) -> None:
        self._input.take(stream, data, time.monotonic_ns())
