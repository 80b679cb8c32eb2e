"""Colour and depth pictures to frames: paired by stamp, and encoded on a thread of their own, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Condition, Thread

import numpy as np
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image

from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.nodes.conversions import depth_array_m, intrinsics, rgb_array, stamp_ns
from autoglm_embodied.nodes.meter import Meter
from autoglm_embodied.types import Camera, FloatArray, Frame

MOST_UNPAIRED = 4


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


class CameraInput:
    """Pairs pictures of equal stamp and hands the newest pair on; never more than one waits, all are counted."""

    def __init__(
        self,
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
        self._unpaired: dict[int, Image] = {}
        self._newest: tuple[Image, Image, int] | None = None
        self._ended = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="camera")
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def on_info(self, message: CameraInfo) -> None:
        """Take the intrinsics."""
        try:
            self._K = intrinsics(message)
        except SensorError as error:
            self._refuse(error)

    def on_rgb(self, message: Image) -> None:
        """Take a colour picture."""
        self.rgb.count(stamp_ns(message.header.stamp), time.monotonic_ns())
        self._pair(message, is_rgb=True)

    def on_depth(self, message: Image) -> None:
        """Take a depth picture."""
        self.depth.count(stamp_ns(message.header.stamp), time.monotonic_ns())
        self._pair(message, is_rgb=False)

    def _pair(self, message: Image, is_rgb: bool) -> None:
        stamp = stamp_ns(message.header.stamp)
        other = self._unpaired.pop(stamp, None)
        if other is None or other.encoding == message.encoding:
            self._unpaired[stamp] = message
            if len(self._unpaired) > MOST_UNPAIRED:
                self._unpaired.pop(min(self._unpaired))
            return
        rgb, depth = (message, other) if is_rgb else (other, message)
        with self._changed:
            self._newest = (rgb, depth, time.monotonic_ns())
            self._changed.notify()

    def _run(self) -> None:
        while (pair := self._next()) is not None:
            try:
                self._push(*pair)
            except SensorError as error:
                self._refuse(error)
            except Exception as error:
                self._fail(error)
                return

    def _next(self) -> tuple[Image, Image, int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._newest is not None)
            pair, self._newest = self._newest, None
            return None if self._ended else pair

    def _push(self, rgb: Image, depth: Image, receive_ns: int) -> None:
        if self._K is None:
            raise SensorError("pictures come but no camera_info; check that the camera driver publishes it")
        camera = Camera(rgb.width, rgb.height, self._K, self._T_base_camera)
        frame = Frame(stamp_ns(rgb.header.stamp), rgb_array(rgb), depth_array_m(depth), camera)
        self._push_frame(frame, receive_ns)
        self.encoded += 1
