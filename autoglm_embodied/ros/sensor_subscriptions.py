"""The sensor topics of the fusion node, from subscription to aligner."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from threading import Event, Thread
from typing import Protocol

from rclpy.node import Node

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.wrench import UNTARED
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.ingest.rgbd_frames import FROZEN_AFTER_NS, ImagePair
from autoglm_embodied.ingest.sensor_input import (
    FAST_STREAMS,
    SENSOR_STREAMS,
    NominalRates,
    SensorInput,
    SensorSink,
    Stream,
)
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES, AdaptiveSubscription
from autoglm_embodied.ros.diagnostics import LEAST_SHARE, Item, Level, Trouble, trouble_if
from autoglm_embodied.ros.parameters import parameter, rate_parameter, topic_parameter, value
from autoglm_embodied.ros.steady_timer import steady_timer
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.setting import About
from autoglm_embodied.types import FloatArray

RATES_HZ = asdict(NominalRates())
RATE_OF = {"rgb": "camera_hz", "depth": "camera_hz", "wrench": "wrench_hz", "joints": "joints_hz"}
CAMERA = tuple(name for name in SENSOR_STREAMS if name not in FAST_STREAMS)
OF_STREAM = {  # whose rejected messages an item tells of
    "rgb": ("rgb", "frame"),
    "depth": ("depth",),
    "camera_info": ("camera_info",),
    "wrench": ("wrench",),
    "joints": ("joints",),
}
MODALITY_OF = {"rgb": "vision", "wrench": "force", "joints": "joints"}
OF_CLOCK = ("clock", "stamps")  # kinds of absence that other items tell of
ELSEWHERE = ("silent", UNTARED, *OF_CLOCK)
FROZEN = "camera.frozen_after_ns"
ABOUT_FROZEN = About(
    "time for which colour or depth are the same to the last bit, after which the camera is frozen; repeated images "
    "are not used; 0: of a camera without noise, they are used",
    least=0,
    most=60e9,
)
POLL_HZ = 100.0  # between ticks, so that a tick finds little left to do
DISCOVERY_PERIOD_S = 0.5  # for publishers that came or went
LOG_PERIOD_S = 2.0
MAX_WAITING = 4  # pairs, beyond which the oldest are left out: a machine that is behind must see the present
WAIT_NS = 100_000_000  # how long an end may have to wait for the camera's thread


def declare_parameters(node: Node) -> None:
    """Declare the parameters: topics, their nominal rates, and how long an image may be the same."""
    for name, stream in SENSOR_STREAMS.items():
        topic_parameter(node, name, stream.topic)
    for name, default_hz in RATES_HZ.items():
        rate_parameter(node, name, default_hz)
    parameter(node, FROZEN, FROZEN_AFTER_NS, ABOUT_FROZEN)


class AlignedSink(SensorSink, Protocol):
    """A sink with an aligner, such as a Pipeline."""

    @property
    def aligner(self) -> Aligner:
        """Tells of the clocks of the sensors and of the wrench."""


class CameraThread:
    """Polls a camera's topics on a thread of its own and pushes frames from there, the newest first."""

    def __init__(
        self, node: Node, sensor_input: SensorInput, fail: Callable[[Exception], None], undo: ExitStack
    ) -> None:
        self.skipped = 0  # frames left out because this machine was too slow for them
        self._input = sensor_input
        self._fail = fail
        self._waiting: deque[ImagePair] = deque()
        self.subscriptions = {stream: _subscribe(node, stream, partial(self._take, stream), undo) for stream in CAMERA}
        self._ended = Event()
        self._thread = Thread(target=self._run, name="camera")
        self._thread.start()
        undo.callback(self.close)

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        rgb, depth, *infos = self.subscriptions.values()
        try:
            while not self._ended.is_set():
                if not self._waiting:
                    rgb.wait(WAIT_NS, depth)
                for topic in (*infos, rgb, depth):
                    topic.poll()
                if self._waiting:
                    self._input.push(self._waiting.pop())  # older ones follow when there is time
        except Exception as error:
            self._fail(error)

    def _take(self, stream: str, data: bytes) -> None:
        topic = self.subscriptions[stream]
        pair = self._input.take(stream, data, time.monotonic_ns(), Stream(topic.topic, topic.type_name))
        if pair is None:
            return
        self._waiting.append(pair)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()
            self.skipped += 1


def _subscribe(node: Node, stream: str, take: Callable[[bytes], None], undo: ExitStack) -> AdaptiveSubscription:
    subscription = AdaptiveSubscription(node, value(node, f"topics.{stream}"), STREAM_TYPES[stream], take)
    undo.callback(subscription.destroy)
    return subscription


class SensorSubscriptions:
    """Subscribes to the sensors until it is closed, counts what comes and pushes it into the sink.

    Args:
        node: with the parameters that `declare_parameters` declares.
        sink: takes the data.
        robot: names the joints and the frame of the wrench.
        T_base_camera: (4, 4) pose of the camera's optical frame.
        depth_camera: where depth that is not aligned with colour comes from.
        fail: takes an error that ended a thread.
    """

    def __init__(
        self,
        node: Node,
        sink: AlignedSink,
        robot: Robot,
        T_base_camera: FloatArray,
        depth_camera: DepthCamera,
        fail: Callable[[Exception], None],
    ) -> None:
        self._node = node
        self._sink = sink
        self._rejected = RejectedMessages(partial(node.get_logger().warning, throttle_duration_sec=LOG_PERIOD_S))
        rates = NominalRates(**{name: value(node, name) for name in RATES_HZ})
        reject, frozen_after_ns = self._rejected.reject, value(node, FROZEN)
        self._input = SensorInput(sink, robot, T_base_camera, rates, reject, depth_camera, frozen_after_ns)
        with ExitStack() as undo:  # where one fails, none is left
            self._camera = CameraThread(node, self._input, fail, undo)
            self._fast = {
                stream: _subscribe(node, stream, partial(self._take, stream), undo) for stream in FAST_STREAMS
            }
            self._subscriptions = self._camera.subscriptions | self._fast
            undo.callback(Ticker(POLL_HZ, self.poll, fail).close)
            undo.callback(node.destroy_timer, steady_timer(node, DISCOVERY_PERIOD_S, self._update_publishers))
            self._undo = undo.pop_all()

    def poll(self) -> None:
        """Push all wrenches and joint states that wait; from any thread."""
        for subscription in self._fast.values():
            subscription.poll()

    def close(self) -> None:
        """Unsubscribe and end all threads; from the executor's thread."""
        self._undo.close()

    @property
    def frames_skipped(self) -> int:
        """How many were left out because this machine was too slow for them."""
        return self._camera.skipped

    def items(self) -> list[Item]:
        """Rate, count and loss of every stream, and what is wrong with it; the clocks of their senders; the zero."""
        absences = self._sink.aligner.absences()
        refused, reported = self._rejected.values(), self._rejected.summaries_since_last()
        items = []
        for stream, parts in OF_STREAM.items():
            values = self._stream_values(stream)
            values |= {key: value for key, value in refused.items() if key.startswith(tuple(parts))}
            troubles = self._stream_troubles(stream, values)
            troubles += [Trouble(Level.WARN, reported[part]) for part in parts if part in reported]
            why = absences.get(MODALITY_OF.get(stream, ""), "")
            troubles += trouble_if(why and not why.startswith(ELSEWHERE), Level.ERROR, f"no {stream}: {why}")
            items.append(Item(stream, values, troubles))
        return [*items, self._clock_item(absences), self._zero_item(absences)]

    def _stream_values(self, stream: str) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        if stream == "rgb":
            values = {"frames_encoded": self._input.frames_pushed, "frames_skipped": self._camera.skipped}
        meter = self._input.meters.get(stream)
        if meter is not None:
            values |= meter.values(stream)
        if stream == "wrench":
            values["force_resolution_ms"] = self._sink.aligner.force_resolution_ns() / 1e6
        return values

    def _stream_troubles(self, stream: str, values: Mapping[str, float | int | str]) -> list[Trouble]:
        if stream == "camera_info":
            return [] if self._input.calibration else self._stream_trouble(stream, stream, 0.0)
        hz = float(values[f"{stream}_hz"])
        found = self._stream_trouble(stream, self._wrench_topic() if stream == "wrench" else stream, hz)
        lost = self._input.meters[stream].problem_since_last(stream)
        unpaired = self._input.pairer.problem_since_last() if stream == "rgb" and hz else ""
        coarse = self._sink.aligner.coarse_force() if stream == "wrench" else ""
        return found + [Trouble(Level.WARN, sentence) for sentence in (lost, unpaired, coarse) if sentence]

    def _clock_item(self, absences: Mapping[str, str]) -> Item:
        """Of the senders: how their stamps lie against this machine's clocks."""
        values: dict[str, float | int | str] = {}
        for name, clock in self._sink.aligner.clocks().items():
            if clock is not None:
                offset_ns = clock.offset_ns - (time.time_ns() - time.monotonic_ns())
                values |= {f"{name}_clock_behind_ms": -offset_ns / 1e6, f"{name}_clock_drift_ppm": clock.drift_ppm}
                values |= {f"{name}_clock_residual_us": clock.residual_ns / 1e3}
        off = [f"no {name}: {why}" for name, why in absences.items() if why.startswith(OF_CLOCK)]
        return Item("clock", values, [Trouble(Level.ERROR, sentence) for sentence in off])

    def _zero_item(self, absences: Mapping[str, str]) -> Item:
        why = absences.get("force", "")
        untared = trouble_if(why.startswith(UNTARED), Level.WARN, f"no force: {why}")
        return Item("zero", {"wrench_trouble": self._sink.aligner.wrench_fault()}, untared)

    def _wrench_topic(self) -> str:
        """Of the two topics that may carry wrenches the one that does, or that comes nearest to it."""
        single, batch = self._fast["wrench"], self._fast["wrench_batch"]
        batched = batch.fitting_publishers or (batch.publishers and not single.publishers)
        return "wrench_batch" if batched and not single.fitting_publishers else "wrench"

    def _stream_trouble(self, stream: str, name: str, hz: float) -> list[Trouble]:
        """Why little or nothing of a stream comes over the topic `name`, at `hz`; none if all is well."""
        topic, setting = self._subscriptions[name], f"topics.{name}"
        if not topic.publishers:
            cure = f"start the driver, or name its topic in {setting}"
            return [Trouble(Level.ERROR, f"no {stream}: nobody publishes {topic.topic}; {cure}")]
        if not topic.fitting_publishers:
            other = topic.publishers[0]
            wanted = " or ".join(topic.readable)
            what = f"{other.node_name} publishes {topic.topic} as {other.topic_type}, it must be {wanted}"
            return [Trouble(Level.ERROR, f"no {stream}: {what}; name the right topic in {setting}")]
        if not hz:
            what = f"{topic.fitting_publishers[0].node_name} publishes {topic.topic} but nothing arrives"
            cure = "check the sensor, then the transports with autoglm doctor (large frames need config/fastdds.xml)"
            return [Trouble(Level.STALE, f"no {stream}: {what}; {cure}")]
        nominal_hz = value(self._node, RATE_OF[stream])
        slow = f"{stream} is slow: {hz:.0f} of {nominal_hz:.0f} Hz arrive on {topic.topic}"
        cure = f"set the driver's rate, or {RATE_OF[stream]} to what it sends, or unload this machine"
        return trouble_if(hz < LEAST_SHARE * nominal_hz, Level.WARN, f"{slow}; {cure}")

    def _update_publishers(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.update_publishers()

    def _take(self, stream: str, data: bytes) -> None:
        self._input.take(stream, data, time.monotonic_ns())
