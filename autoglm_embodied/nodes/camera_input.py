"""Colour and depth pictures to frames: taken, paired by stamp and encoded on one thread, the newest pair only."""

from __future__ import annotations

import time
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
from autoglm_embodied.nodes.conversions import depth_array_m, intrinsics, rgb_array
from autoglm_embodied.nodes.meter import Meter
from autoglm_embodied.nodes.polled import PolledSubscription
from autoglm_embodied.nodes.qos import FRAMES
from autoglm_embodied.types import Camera, FloatArray, Frame

MOST_UNPAIRED = 4
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
    """Subscribes to a camera while it lives; pairs pictures of equal stamp and hands the newest pair on. All count."""

    def __init__(
        self,
        node: Node,
        topics: CameraTopics,
        T_base_camera: FloatArray,
        nominal_hz: float,
        push_frame: Callable[[Frame, int], None],
        refuse: Callable[[SensorError], None],
        fail: Callable[[Exception], None],
    ) -> None:
        """Start the thread that calls `push_frame` with a frame and its receive time."""
        self.rgb = Meter(nominal_hz)
        self.depth = Meter(nominal_hz)
        self.encoded = 0
        self._T_base_camera = T_base_camera
        self._push_frame = push_frame
        self._refuse = refuse
        self._fail = fail
        self._K: FloatArray | None = None
        self._unpaired: dict[int, Picture] = {}
        self._newest: tuple[Picture, Picture, int] | None = None
        self._info = PolledSubscription(node, CameraInfo, topics.info, self._on_info, FRAMES)
        self._pictures = [
            PolledSubscription(node, Image, topics.rgb, self._on_rgb, FRAMES, raw=True),
            PolledSubscription(node, Image, topics.depth, self._on_depth, FRAMES, raw=True),
        ]
        self._ended = Event()
        self._thread = Thread(target=self._run, name="camera")
        self._thread.start()

    def close(self) -> None:
        """End the thread and unsubscribe; from the executor's thread."""
        self._ended.set()
        self._thread.join()
        for subscription in (self._info, *self._pictures):
            subscription.destroy()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._pictures[0].wait(WAIT_NS, *self._pictures[1:])
                self._info.poll()
                for subscription in self._pictures:
                    subscription.poll()
                pair, self._newest = self._newest, None
                if pair is not None:
                    self._push(*pair)
        except Exception as error:
            self._fail(error)

    def _on_info(self, message: CameraInfo) -> None:
        try:
            self._K = intrinsics(message)
        except SensorError as error:
            self._refuse(error)

    def _on_rgb(self, data: bytes) -> None:
        self._take(data, self.rgb, is_rgb=True)

    def _on_depth(self, data: bytes) -> None:
        self._take(data, self.depth, is_rgb=False)

    def _take(self, data: bytes, meter: Meter, is_rgb: bool) -> None:
        now_ns = time.monotonic_ns()
        try:
            picture = read_picture(data)
        except SensorError as error:
            self._refuse(error)
            return
        meter.count(picture.stamp_ns, now_ns)
        other = self._unpaired.pop(picture.stamp_ns, None)
        if other is None or other.encoding == picture.encoding:
            self._unpaired[picture.stamp_ns] = picture
            if len(self._unpaired) > MOST_UNPAIRED:
                self._unpaired.pop(min(self._unpaired))
            return
        self._newest = (picture, other, now_ns) if is_rgb else (other, picture, now_ns)

    def _push(self, rgb: Picture, depth: Picture, receive_ns: int) -> None:
        try:
            if self._K is None:
                raise SensorError("pictures come but no camera_info; check that the camera driver publishes it")
            camera = Camera(rgb.width, rgb.height, self._K, self._T_base_camera)
            self._push_frame(Frame(rgb.stamp_ns, rgb_array(rgb), depth_array_m(depth), camera), receive_ns)
        except SensorError as error:
            self._refuse(error)
        else:
            self.encoded += 1
