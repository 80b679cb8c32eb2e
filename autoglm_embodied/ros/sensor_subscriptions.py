"""The sensor topics of the fusion node, from subscription to aligner."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from threading import Event, Thread
from typing import Protocol

from rclpy.node import Node

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.ingest.rgbd_frames import ImagePair
from autoglm_embodied.ingest.sensor_input import FAST_STREAMS, SENSOR_STREAMS, NominalRates, SensorInput, SensorSink
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES, AdaptiveSubscription
from autoglm_embodied.ros.diagnostics import LEAST_SHARE
from autoglm_embodied.ros.parameters import parameter, rate_parameter, value
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.types import FloatArray

RATES_HZ = asdict(NominalRates())
RATE_OF = {"rgb": "camera_hz", "depth": "camera_hz", "wrench": "wrench_hz", "joints": "joints_hz"}
CAMERA = tuple(name for name in SENSOR_STREAMS if name not in FAST_STREAMS)
POLL_HZ = 100.0  # between ticks, so that a tick finds little left to do
DISCOVERY_PERIOD_S = 0.5  # for publishers that came or went
LOG_PERIOD_S = 2.0
MAX_WAITING = 4  # pairs, beyond which the oldest are left out: a machine that is behind must see the present
WAIT_NS = 100_000_000  # how long an end may have to wait for the camera's thread


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


class CameraThread:
    """Polls a camera's topics on a thread of its own and pushes frames from there, the newest first."""

    def __init__(self, node: Node, sensor_input: SensorInput, fail: Callable[[Exception], None]) -> None:
        self.skipped = 0  # frames left out because this machine was too slow for them
        self._input = sensor_input
        self._fail = fail
        self._waiting: deque[ImagePair] = deque()
        self.subscriptions = {stream: _subscribe(node, stream, partial(self._take, stream)) for stream in CAMERA}
        self._ended = Event()
        self._thread = Thread(target=self._run, name="camera")
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        rgb, depth, info = self.subscriptions.values()
        try:
            while not self._ended.is_set():
                if not self._waiting:
                    rgb.wait(WAIT_NS, depth)
                for topic in (info, rgb, depth):
                    topic.poll()
                if self._waiting:
                    self._input.push(self._waiting.pop())  # older ones follow when there is time
        except Exception as error:
            self._fail(error)

    def _take(self, stream: str, data: bytes) -> None:
        pair = self._input.take(stream, data, time.monotonic_ns())
        if pair is None:
            return
        self._waiting.append(pair)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()
            self.skipped += 1


def _subscribe(node: Node, stream: str, take: Callable[[bytes], None]) -> AdaptiveSubscription:
    return AdaptiveSubscription(node, value(node, f"topics.{stream}"), STREAM_TYPES[stream], take)


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
        rates = NominalRates(**{name: value(node, name) for name in RATES_HZ})
        self._input = SensorInput(sink, robot, T_base_camera, rates, self._rejected.reject)
        self._input.rgb_topic = value(node, "topics.rgb")
        self._camera = CameraThread(node, self._input, fail)
        self._fast = {stream: _subscribe(node, stream, partial(self._take, stream)) for stream in FAST_STREAMS}
        self._subscriptions = self._camera.subscriptions | self._fast
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
        self._camera.close()
        for subscription in self._subscriptions.values():
            subscription.destroy()

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
        found = [self._stream_problem(name, name, rates_hz[name]) for name in ("rgb", "depth", "joints")]
        found.append(self._stream_problem("wrench", self._wrench_topic(), rates_hz["wrench"]))
        if self._input.calibration is None:
            found.append(self._stream_problem("camera_info", "camera_info", 0.0))
        problems = [sentence for sentence in found if sentence] + self._rejected.summaries_since_last()
        unpaired = self._input.pairer.problem_since_last()
        if unpaired and rates_hz["rgb"] and rates_hz["depth"]:
            problems.append(unpaired)
        lost = sum(meter.lost for meter in self._input.meters.values())
        if lost:
            problems.append(f"{lost} messages missing by their stamps; use config/fastdds.xml, and unload this machine")
        absences = self._sink.aligner.absences()
        return problems + [f"no {name}: {why}" for name, why in absences.items() if not why.startswith("silent")]

    def _wrench_topic(self) -> str:
        """Of the two topics that may carry wrenches the one that does, or that comes nearest to it."""
        single, batch = self._fast["wrench"], self._fast["wrench_batch"]
        batched = batch.fitting_publishers or (batch.publishers and not single.publishers)
        return "wrench_batch" if batched and not single.fitting_publishers else "wrench"

    def _stream_problem(self, stream: str, name: str, hz: float) -> str:
        """Why little or nothing of a stream comes over the topic `name`, at `hz`; empty if all is well."""
        topic, setting = self._subscriptions[name], f"topics.{name}"
        if not topic.publishers:
            return f"no {stream}: nobody publishes {topic.topic}; start the driver, or name its topic in {setting}"
        if not topic.fitting_publishers:
            other = topic.publishers[0]
            return (
                f"no {stream}: {other.node_name} publishes {topic.topic} as {other.topic_type}, "
                f"it must be {topic.type_name}; name the right topic in {setting}"
            )
        if not hz:
            return (
                f"no {stream}: {topic.fitting_publishers[0].node_name} publishes {topic.topic} but nothing arrives; "
                "check the sensor, then the transports with autoglm doctor (large frames need config/fastdds.xml)"
            )
        nominal_hz = value(self._node, RATE_OF[stream])
        if hz < LEAST_SHARE * nominal_hz:
            return (
                f"{stream} is slow: {hz:.0f} of {nominal_hz:.0f} Hz arrive on {topic.topic}; set the driver's "
                f"rate, or {RATE_OF[stream]} to what it sends, or unload this machine"
            )
        return ""

    def _update_publishers(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.update_publishers()

    def _take(self, stream: str, data: bytes) -> None:
        self._input.take(stream, data, time.monotonic_ns())
