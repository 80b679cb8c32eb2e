"""Arrays survive the way into ROS messages and back."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Twist
from rclpy.serialization import serialize_message

from autoglm_embodied.ingest.cdr import read_image
from autoglm_embodied.ingest.image_encodings import rgb_array
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES, type_name
from autoglm_embodied.ros.conversions import image_message, stamp_ns, to_point, to_stamp, to_twist, twist_array

RGB = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)


def test_an_image_survives_the_way_there_and_back() -> None:
    message = image_message(RGB, "rgb8", 1_700_000_000_123_456_789, "camera")
    np.testing.assert_array_equal(rgb_array(read_image(bytes(serialize_message(message)))), RGB)
    assert stamp_ns(message.header.stamp) == 1_700_000_000_123_456_789 and message.header.frame_id == "camera"


def test_stamps_twists_and_points_survive_the_way_there_and_back() -> None:
    assert stamp_ns(to_stamp(12_000_000_345)) == 12_000_000_345
    twist = to_twist(np.arange(6.0))
    assert isinstance(twist, Twist)
    assert twist_array(twist).tolist() == list(range(6))
    point = to_point(np.arange(3.0))
    assert (point.x, point.y, point.z) == (0.0, 1.0, 2.0)


def test_every_stream_is_subscribed_to_with_the_type_that_a_recording_must_have() -> None:
    assert {stream: type_name(kind.message) for stream, kind in STREAM_TYPES.items()} == {
        stream: default.type_name for stream, default in STREAMS.items()
    }
