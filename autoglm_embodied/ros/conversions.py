"""Arrays and stamps to ROS messages and back."""

from __future__ import annotations

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Twist
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from autoglm_embodied.ingest.cdr import NS_PER_S
from autoglm_embodied.types import FloatArray


def stamp_ns(stamp: Time) -> int:
    """A header stamp in ns."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def to_stamp(t_ns: int) -> Time:
    """A header stamp from ns."""
    return Time(sec=t_ns // NS_PER_S, nanosec=t_ns % NS_PER_S)


def image_message(pixels: NDArray[np.generic], encoding: str, t_ns: int, frame_id: str) -> Image:
    """An image message.

    Args:
        pixels: (height, width) or (height, width, channels).
        encoding: as ROS calls it, such as rgb8 or 16UC1; it must fit the pixels.
        t_ns: stamp.
        frame_id: of the camera's optical frame.
    """
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.header.stamp = to_stamp(t_ns)
    message.header.frame_id = frame_id
    message.step = pixels.nbytes // pixels.shape[0]
    message.data = array("B", pixels.tobytes())  # bytes would be converted one by one
    return message


def twist_array(message: Twist) -> FloatArray:
    """(6,) linear then angular [m/s, rad/s]."""
    linear, angular = message.linear, message.angular
    return np.array((linear.x, linear.y, linear.z, angular.x, angular.y, angular.z))


def to_twist(twist: FloatArray) -> Twist:
    """A twist message of (6,) linear then angular [m/s, rad/s]."""
    message = Twist()
    message.linear.x, message.linear.y, message.linear.z = map(float, twist[:3])
    message.angular.x, message.angular.y, message.angular.z = map(float, twist[3:])
    return message


def to_point(position_m: FloatArray) -> Point:
    """A point message of (3,) [m]."""
    x, y, z = map(float, position_m)
    return Point(x=x, y=y, z=z)
