"""Colour and depth pictures to frames: taken, paired by stamp and handed on from one thread, the newest first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import numpy as np
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image

from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.nodes.cdr import Picture, read_picture
from autoglm_embodied.nodes.meter import Meter
from autoglm_embodied.nodes.qos import FRAMES
from autoglm_embodied.nodes.rgbd import Calibration, rgbd_frame
from autoglm_embodied.nodes.sensor_topic import SensorTopic
from autoglm_embodied.types import FloatArray, Frame

MOST_UNPAIRED = FRAMES.depth  # after a delay all colour pictures that waited are taken before the first depth picture
MOST_WAITING = 6  # pairs, beyond which the oldest are left out: they are older than any tick wants
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
    """Subscribes to a camera while it lives, pairs pictures of equal stamp and hands the pairs on as frames.

    Attributes:
        rgb, depth: what came of each.
        topics: the subscriptions, by stream.
        encoded: frames handed on.
        paired: colour and depth pictures that found each other.
        skipped: frames left out because this machine was too slow for them.
    """

    def __init__(
        self,
        node: Node,
        topics: CameraTopics,
        T_base_camera: FloatArray,
        nominal_hz: float,
        push_frame: Callable[[Frame, int], None],
        refuse: Callable[[str, SensorError], None],
        fail: Callable[[Exception], None],
    ) -> None:
        """Start the thread that calls `push_frame` with a frame and its receive time."""
        self.rgb = Meter(nominal_hz)
        self.depth = Meter(nominal_hz)
        self.encoded = 0
        self.paired = 0
        self.skipped = 0
        self._T_base_camera = T_base_camera
        self._push_frame = push_frame
        self._refuse = refuse
        self._fail = fail
        self._calibration: Calibration | None = None
        self._unpaired: dict[int, tuple[Meter, Picture]] = {}
        self._waiting: deque[tuple[Picture, Picture, int]] = deque()
        self.topics = {
            "rgb": SensorTopic(node, Image, topics.rgb, self._on_rgb, FRAMES, renewed=self.rgb.restart),
            "depth": SensorTopic(node, Image, topics.depth, self._on_depth, FRAMES, renewed=self.depth.restart),
            "camera_info": SensorTopic(node, CameraInfo, topics.info, self._on_info, FRAMES, raw=False),
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

    @property
    def calibrated(self) -> bool:
        """Whether a usable camera_info came."""
        return self._calibration is not None

    def _run(self) -> None:
        rgb, depth, info = self.topics.values()
        try:
            while not self._ended.is_set():
                if not self._waiting:
                    rgb.wait(WAIT_NS, depth)
                for topic in (info, rgb, depth):
                    topic.poll()
                if self._waiting:
                    self._push(*self._waiting.pop())  # older ones follow when there is time
        except Exception as error:
            self._fail(error)

    def _on_info(self, message: CameraInfo) -> None:
        try:
            self._calibration = Calibration.of(message)
        except SensorError as error:
            self._refuse("camera_info", error)

    def _on_rgb(self, data: bytes) -> None:
        self._take("rgb", data, self.rgb)

    def _on_depth(self, data: bytes) -> None:
        self._take("depth", data, self.depth)

    def _take(self, stream: str, data: bytes, meter: Meter) -> None:
        now_ns = time.monotonic_ns()
        try:
            picture = read_picture(data)
        except SensorError as error:
            self._refuse(stream, error)
            return
        meter.count(picture.stamp_ns, now_ns)
        its_meter, other = self._unpaired.pop(picture.stamp_ns, (meter, picture))
        if its_meter is not meter:
            self._wait_for_push((picture, other, now_ns) if meter is self.rgb else (other, picture, now_ns))
            return
        self._unpaired[picture.stamp_ns] = (meter, picture)
        if len(self._unpaired) > MOST_UNPAIRED:
            self._unpaired.pop(min(self._unpaired))

    def _wait_for_push(self, pair: tuple[Picture, Picture, int]) -> None:
        self.paired += 1
        self._waiting.append(pair)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.skipped += 1

    def _push(self, rgb: Picture, depth: Picture, receive_ns: int) -> None:
        try:
            frame = rgbd_frame(rgb, depth, self._calibration, self._T_base_camera)
            self._push_frame(frame, receive_ns)
        except SensorError as error:
            self._refuse("frame", error)
        else:
            self.encoded += 1
