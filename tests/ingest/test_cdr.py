"""Messages read and written byte by byte are those that ROS itself reads and writes."""

from __future__ import annotations

import struct
from array import array

import numpy as np
import pytest
from geometry_msgs.msg import WrenchStamped
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, JointState

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import (
    JointStateReader,
    JointStateWriter,
    WrenchWriter,
    read_image,
    read_stamp_ns,
    read_wrench,
)

FRAMES = ["", "a", "abc", "abcd", "panda_ft", "abcdefghijk"]
NAMES = [["x"], ["a", "bb", "ccc"], [f"panda_joint{n}" for n in range(1, 8)]]
T_NS = 1_700_000_000_123_456_789
VALUES = np.array([1.5, -2.0, 3.25, 1e-9, -1e9, 6.0])


def wrench_message(frame: str) -> WrenchStamped:
    message = WrenchStamped()
    message.header.frame_id = frame
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(T_NS, 1_000_000_000)
    force, torque = message.wrench.force, message.wrench.torque
    force.x, force.y, force.z, torque.x, torque.y, torque.z = VALUES.tolist()
    return message


def joint_message(frame: str, names: list[str], effort: bool = False) -> JointState:
    count = len(names)
    message = JointState(name=names, position=np.arange(1.0, count + 1), velocity=-np.arange(1.0, count + 1))
    message.effort = [9.0] * count if effort else []
    message.header = wrench_message(frame).header
    return message


def big_endian_wrench() -> bytes:
    sec, nanosec = divmod(T_NS, 1_000_000_000)
    return b"\x00\x00\x00\x00" + struct.pack(">iII2s2x6d", sec, nanosec, 2, b"w\x00", *VALUES)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_wrench_is_read_and_written_as_ros_does(frame: str) -> None:
    message = wrench_message(frame)
    stamp, read_frame, wrench = read_wrench(bytes(serialize_message(message)))
    assert (stamp, read_frame, wrench.tolist()) == (T_NS, frame, VALUES.tolist())
    assert deserialize_message(WrenchWriter(frame).write(T_NS, VALUES), WrenchStamped) == message


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("names", NAMES, ids=len)
def test_joint_states_are_read_and_written_as_ros_does(frame: str, names: list[str]) -> None:
    message, reader = joint_message(frame, names), JointStateReader()
    for data in (serialize_message(message), serialize_message(joint_message(frame, names, effort=True))):
        stamp, position, velocity = reader.read(bytes(data))
        assert (stamp, reader.names) == (T_NS, names)
        assert (position.tolist(), velocity.tolist()) == (list(message.position), list(message.velocity))
    written = JointStateWriter(frame, names).write(T_NS, np.array(message.position), np.array(message.velocity))
    assert deserialize_message(written, JointState) == message


def test_joint_states_whose_names_change_in_the_middle_of_a_stream_are_read_anew() -> None:
    reader = JointStateReader()
    for names in (["a", "b"], ["b", "a"], ["a", "b", "c"], ["a", "b"]):
        reader.read(bytes(serialize_message(joint_message("base", names))))
        assert reader.names == names


def test_efforts_in_place_of_velocities_are_not_taken_for_them() -> None:
    reader = JointStateReader()
    message = joint_message("base", ["a", "b"])
    reader.read(bytes(serialize_message(message)))
    message.velocity, message.effort = [], [1.0, 2.0]
    with pytest.raises(SensorError, match="2 positions and velocities, got 2 and 0"):
        reader.read(bytes(serialize_message(message)))


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("encoding", ["rgb8", "16UC1", "bgr8"])
def test_a_image_is_read_as_ros_does(frame: str, encoding: str) -> None:
    message = Image(height=3, width=5, encoding=encoding, is_bigendian=1, step=15)
    message.header = wrench_message(frame).header
    message.data = array("B", range(45))
    image = read_image(bytes(serialize_message(message)))
    fields = ("height", "width", "encoding", "is_bigendian", "step")
    assert [getattr(image, name) for name in fields] == [getattr(message, name) for name in fields]
    assert (image.stamp_ns, bytes(image.data)) == (T_NS, bytes(range(45)))


def test_a_message_of_the_other_byte_order_is_read_too() -> None:
    stamp, frame, wrench = read_wrench(big_endian_wrench())
    assert (stamp, frame, wrench.tolist()) == (T_NS, "w", VALUES.tolist())


def test_a_message_that_is_cut_off_anywhere_is_refused_and_ends_nothing() -> None:
    reader = JointStateReader()
    image = Image(height=2, width=2, encoding="rgb8", step=6, data=array("B", range(12)))
    whole = {
        read_wrench: serialize_message(wrench_message("panda_ft")),
        reader.read: serialize_message(joint_message("base", ["a", "b"])),
        read_image: serialize_message(image),
    }
    for read, data in whole.items():
        for end in range(len(data) - 4):  # the last of them may be padding
            with pytest.raises(SensorError):
                read(bytes(data[:end]))
        read(bytes(data))


def test_the_stamp_of_any_stamped_message_is_read() -> None:
    assert read_stamp_ns(bytes(serialize_message(wrench_message("x")))) == T_NS
