"""Messages become arrays without a copy, and what cannot be used is named."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from geometry_msgs.msg import Twist
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.conversions import (
    JointReader,
    depth_array_m,
    image_message,
    intrinsics,
    rgb_array,
    stamp_ns,
    to_stamp,
    to_twist,
    twist_array,
)

RGB = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)


def test_a_image_survives_the_way_there_and_back_without_a_copy() -> None:
    message = image_message(RGB, "rgb8", 1_700_000_000_123_456_789, "camera")
    pixels = rgb_array(message)
    np.testing.assert_array_equal(pixels, RGB)
    message.data[0] ^= 255
    assert pixels[0, 0, 0] == RGB[0, 0, 0] ^ 255
    assert stamp_ns(message.header.stamp) == 1_700_000_000_123_456_789


def test_blue_first_images_and_padded_rows_are_understood() -> None:
    np.testing.assert_array_equal(rgb_array(image_message(RGB[..., ::-1], "bgr8", 0, "camera")), RGB)
    padded = Image(height=4, width=6, encoding="rgb8", step=20)
    rows = np.zeros((4, 20), np.uint8)
    rows[:, :18] = RGB.reshape(4, 18)
    padded.data = array("B", rows.tobytes())
    np.testing.assert_array_equal(rgb_array(padded), RGB)


def test_depth_in_millimetres_and_in_metres_of_either_byte_order_agree() -> None:
    millimetres = np.array([[0, 700], [1234, 65535]], np.uint16)
    metres = millimetres.astype(np.float32) / 1000
    messages = [
        image_message(millimetres, "16UC1", 0, "camera"),
        image_message(millimetres.astype(">u2"), "16UC1", 0, "camera"),
        image_message(metres, "32FC1", 0, "camera"),
    ]
    messages[1].is_bigendian = 1
    for message in messages:
        np.testing.assert_allclose(depth_array_m(message), metres)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"encoding": "mono8"}, "rgb8 or bgr8, got 'mono8'"),
        ({"height": 5}, "must hold 90 bytes"),
        ({"step": 3}, "rows of 3"),
        ({"width": 0, "height": 0}, "0x0"),
    ],
)
def test_a_image_that_cannot_be_is_refused(change: dict[str, int], match: str) -> None:
    message = image_message(RGB, "rgb8", 0, "camera")
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(SensorError, match=match):
        rgb_array(message)


def test_an_uncalibrated_camera_is_refused() -> None:
    with pytest.raises(SensorError, match="focal lengths"):
        intrinsics(CameraInfo())


def joints(**fields: list[str] | list[float]) -> bytes:
    return bytes(serialize_message(JointState(**fields)))


def test_joints_are_read_by_name_in_whatever_order_they_come() -> None:
    reader = JointReader(["b", "a"])
    for names in (["a", "b", "c"], ["c", "b", "a"]):
        values = [float(ord(name)) for name in names]
        _, position, velocity = reader.read(joints(name=names, position=values, velocity=values))
        assert position.tolist() == velocity.tolist() == [98.0, 97.0]


def test_a_missing_joint_or_velocity_is_named() -> None:
    reader = JointReader(["a", "b"])
    with pytest.raises(SensorError, match="lacks 'b', it has a"):
        reader.read(joints(name=["a"], position=[0.0], velocity=[0.0]))
    with pytest.raises(SensorError, match="2 positions and velocities, got 2 and 0"):
        reader.read(joints(name=["a", "b"], position=[0.0, 0.0]))


def test_stamps_and_twists_survive_the_way_there_and_back() -> None:
    assert stamp_ns(to_stamp(12_000_000_345)) == 12_000_000_345
    twist = to_twist(np.arange(6.0))
    assert isinstance(twist, Twist)
    assert twist_array(twist).tolist() == list(range(6))
