"""The topics of a camera, taken on one thread; frames are handed on from there, the newest first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import NamedTuple

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from autoglm_embodied.ingest.rgbd_frames import ImagePair
from autoglm_embodied.ingest.sensor_input import SensorInput
from autoglm_embodied.ros.adaptive_subscription import AdaptiveSubscription
from autoglm_embodied.ros.qos import FRAMES

MAX_WAITING = 4  # pairs, beyond which the oldest are left out: a machine that is behind must see the present
WAIT_NS = 100_000_000  # how long an end may have to wait for the thread


class CameraTopics(NamedTuple):
    """Where a camera publishes."""

    rgb: str
    depth: str
    info: str


class CameraSubscription:
    """Subscribes to a camera until it is closed and passes its images to the sensor input, on a thread of its own.

    Args:
        node: that subscribes.
        topics: of the camera.
        sensor_input: takes the messages.
        fail: takes an error that ended the thread.

    Attributes:
        subscriptions: by stream.
        skipped: frames left out because this machine was too slow for them.
    """

    def __init__(
        self, node: Node, topics: CameraTopics, sensor_input: SensorInput, fail: Callable[[Exception], None]
    ) -> None:
        self.skipped = 0
        self._input = sensor_input
        self._fail = fail
        self._waiting: deque[ImagePair] = deque()
        streams = {"rgb": (Image, topics.rgb), "depth": (Image, topics.depth), "camera_info": (CameraInfo, topics.info)}
        self.subscriptions = {
            stream: AdaptiveSubscription(node, kind, topic, partial(self._take, stream), FRAMES)
            for stream, (kind, topic) in streams.items()
        }
        self._ended = Event()
        self._thread = Thread(target=self._run, name="camera")
        self._thread.start()

    def close(self) -> None:
        """End the thread and unsubscribe; from the executor's thread."""
        self._ended.set()
        self._thread.join()
        for topic in self.subscriptions.values():
            topic.destroy()

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
