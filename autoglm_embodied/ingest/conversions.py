"""ROS messages to arrays and back. Nothing is copied that need not be; what cannot be used is a SensorError."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Twist
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import NS_PER_S, JointStateReader, RawImage
from autoglm_embodied.types import FloatArray

MM_PER_M = 1000.0


def stamp_ns(stamp: Time) -> int:
    """A header stamp in ns."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def to_stamp(t_ns: int) -> Time:
    """A header stamp from ns."""
    return Time(sec=t_ns // NS_PER_S, nanosec=t_ns % NS_PER_S)


def rgb_array(message: Image | RawImage) -> NDArray[np.uint8]:
    """(height, width, 3) red, green, blue; a view of the message."""
    if message.encoding not in ("rgb8", "bgr8"):
        raise SensorError(f"colour must be encoded rgb8 or bgr8, got {message.encoding!r}; set the camera driver so")
    pixels = _rows(message, np.dtype(np.uint8), channels=3)
    return pixels if message.encoding == "rgb8" else pixels[..., ::-1]


def depth_array_m(message: Image | RawImage) -> FloatArray:
    """(height, width) float32 along the optical axis; 0 or NaN where unknown."""
    order = ">" if message.is_bigendian else "<"
    if message.encoding == "16UC1":
        return _rows(message, np.dtype(f"{order}u2"))[..., 0] / np.float32(MM_PER_M)
    if message.encoding == "32FC1":
        return _rows(message, np.dtype(f"{order}f4"))[..., 0]
    raise SensorError(f"depth must be encoded 16UC1 [mm] or 32FC1 [m], got {message.encoding!r}; set the driver so")


def _rows(message: Image | RawImage, dtype: np.dtype[np.generic], channels: int = 1) -> NDArray[np.generic]:
    used = message.width * channels * dtype.itemsize
    if message.step < used or len(message.data) != message.step * message.height or not used * message.height:
        raise SensorError(
            f"a {message.width}x{message.height} {message.encoding} image must hold {used * message.height} bytes "
            f"in rows of at least {used}, got {len(message.data)} in rows of {message.step}"
        )
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)[:, :used]
    return rows.view(dtype).reshape(message.height, message.width, channels)


def image_message(pixels: NDArray[np.generic], encoding: str, t_ns: int, frame_id: str) -> Image:
    """An image message of (height, width) or (height, width, channels)."""
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.header.stamp = to_stamp(t_ns)
    message.header.frame_id = frame_id
    message.step = pixels.nbytes // pixels.shape[0]
    message.data = array("B", pixels.tobytes())  # bytes would be converted one by one
    return message


def intrinsics(message: CameraInfo) -> FloatArray:
    """K (3, 3) in pixels."""
    K = np.asarray(message.k, np.float64).reshape(3, 3)
    if not np.isfinite(K).all() or K[0, 0] <= 0 or K[1, 1] <= 0:
        raise SensorError("camera_info must hold positive focal lengths; calibrate the camera")
    return K


class JointReader:
    """Picks named joints out of JointState messages, whatever order they come in."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._reader = JointStateReader()
        self._message_names: list[str] = []
        self._places = np.zeros(0, np.intp)

    def read(self, data: bytes) -> tuple[int, FloatArray, FloatArray]:
        """Stamp [ns], positions and velocities (J,) in the order of the names.

        Raises:
            SensorError: a joint is not in the message, or has no position or velocity there.
        """
        stamp, position, velocity = self._reader.read(data)
        if self._reader.names is not self._message_names:
            self._find(self._reader.names)
        return stamp, position[self._places], velocity[self._places]

    def _find(self, names: list[str]) -> None:
        missing = [name for name in self._names if name not in names]
        if missing:
            raise SensorError(f"joint_states lacks {missing[0]!r}, it has {', '.join(names) or 'none'}; name it so")
        self._places = np.array([names.index(name) for name in self._names], np.intp)
        self._message_names = names


def twist_array(message: Twist) -> FloatArray:
    """(6,) linear then angular [m/s, rad/s]."""
    linear, angular = message.linear, message.angular
    return np.array((linear.x, linear.y, linear.z, angular.x, angular.y, angular.z))


def to_twist(twist: FloatArray) -> Twist:
    """A twist message of (6,) linear then angular."""
    message = Twist()
    message.linear.x, message.linear.y, message.linear.z = map(float, twist[:3])
    message.angular.x, message.angular.y, message.angular.z = map(float, twist[3:])
    return message


def to_point(position_m: FloatArray) -> Point:
    """A point message of (3,)."""
    x, y, z = map(float, position_m)
    return Point(x=x, y=y, z=z)
