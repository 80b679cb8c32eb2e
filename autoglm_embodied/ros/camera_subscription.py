"""The topics of a camera, taken on one thread; frames are handed on from there, the newest first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import numpy as np
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image

from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.ingest.image_pairs import Pair
from autoglm_embodied.ingest.sensor_input import Intake
from autoglm_embodied.ros.qos import FRAMES
from autoglm_embodied.ros.sensor_topic import SensorTopic
from autoglm_embodied.types import FloatArray

MOST_WAITING = 4  # pairs, beyond which the oldest are left out: a machine that is behind must see the present
WAIT_NS = 100_000_000  # how long an end may have to wait for the thread


def camera_pose(path: Path) -> FloatArray:
    """T_base_camera (4, 4) of the optical frame, from `xyz_m` and `quaternion_xyzw` in a YAML file."""
    values = read_yaml(path)
    pose = np.eye(4)
    try:
        pose[:3, 3] = values["xyz_m"]
        pose[:3, :3] = Rotation.from_quat(values["quaternion_xyzw"]).as_matrix()
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} must hold xyz_m of 3 and quaternion_xyzw of 4 numbers ({error})") from error
    return pose


class CameraTopics(NamedTuple):
    """Where a camera publishes."""

    rgb: str
    depth: str
    info: str


class CameraInput:
    """Subscribes to a camera while it lives and hands its images to the intake.

    Attributes:
        topics: the subscriptions, by stream.
        skipped: frames left out because this machine was too slow for them.
    """

    def __init__(self, node: Node, topics: CameraTopics, intake: Intake, fail: Callable[[Exception], None]) -> None:
        """Start the thread."""
        self.skipped = 0
        self._intake = intake
        self._fail = fail
        self._waiting: deque[Pair] = deque()
        streams = {"rgb": (Image, topics.rgb), "depth": (Image, topics.depth), "camera_info": (CameraInfo, topics.info)}
        self.topics = {
            stream: SensorTopic(node, kind, topic, partial(self._take, stream), FRAMES)
            for stream, (kind, topic) in streams.items()
        }
        self._ended = Event()
        self._thread = Thread(target=self._run, name="camera")
        self._thread.start()

    def close(self) -> None:
        """End the thread and unsubscribe; from the executor's thread."""
        self._ended.set()
        self._thread.join()
        for topic in self.topics.values():
            topic.destroy()

    def _run(self) -> None:
        rgb, depth, info = self.topics.values()
        try:
            while not self._ended.is_set():
                if not self._waiting:
                    rgb.wait(WAIT_NS, depth)
                for topic in (info, rgb, depth):
                    topic.poll()
                if self._waiting:
                    self._intake.push(self._waiting.pop())  # older ones follow when there is time
        except Exception as error:
            self._fail(error)

    def _take(self, stream: str, data: bytes) -> None:
        pair = self._intake.take(stream, data, time.monotonic_ns())
        if pair is None:
            return
        self._waiting.append(pair)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.skipped += 1
