"""Messages read and written byte by byte are those that ROS itself reads and writes."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autoglm_embodied_interfaces.msg import VoiceCommand, WrenchBatch
from geometry_msgs.msg import Wrench, WrenchStamped
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState, PointCloud2, PointField

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest import cdr
from autoglm_embodied.ingest.cdr import (
    Field,
    WrenchWriter,
    little_endian,
    read_camera_info,
    read_image,
    read_stamp_ns,
    read_voice_command,
    read_wrench,
    read_wrench_batch,
)
from autoglm_embodied.ingest.compressed_images import read_compressed_image
from autoglm_embodied.ingest.joint_states import JointStateReader, JointStateWriter, NamedJointReader
from autoglm_embodied.ingest.point_clouds import read_point_cloud
from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.types import CARRIED_OUT, Intent

FRAMES = ["", "a", "abc", "abcd", "panda_ft", "abcdefghijk"]
NAMES = [["x"], ["a", "bb", "ccc"], [f"panda_joint{n}" for n in range(1, 8)]]
T_NS = 1_700_000_000_123_456_789
VALUES = np.array([1.5, -2.0, 3.25, 1e-9, -1e9, 6.0])
P = [float(value) for value in range(12)]
K = [600.0, 0.0, 320.0, 0.0, 601.0, 240.0, 0.0, 0.0, 1.0]


def stamped(message: Any, frame: str = "panda_ft") -> Any:
    message.header.frame_id, message.header.stamp = frame, to_stamp(T_NS)
    return message


def wrench() -> Wrench:
    made = Wrench()
    made.force.x, made.force.y, made.force.z, made.torque.x, made.torque.y, made.torque.z = VALUES.tolist()
    return made


def wrench_message(frame: str) -> WrenchStamped:
    return stamped(WrenchStamped(wrench=wrench()), frame)


def batch_message(frame: str, count: int) -> WrenchBatch:
    stamps = [to_stamp(T_NS + k) for k in range(count)]
    return stamped(WrenchBatch(stamps=stamps, wrenches=[wrench() for _ in stamps]), frame)


def joint_message(frame: str, names: list[str], effort: bool = False) -> JointState:
    count = len(names)
    message = JointState(name=names, position=np.arange(1.0, count + 1), velocity=-np.arange(1.0, count + 1))
    message.effort = [9.0] * count if effort else []
    return stamped(message, frame)


def image_message(frame: str, encoding: str) -> Image:
    return stamped(
        Image(height=3, width=5, encoding=encoding, is_bigendian=1, step=15, data=array("B", range(45))), frame
    )


def compressed_message(frame: str) -> CompressedImage:
    return stamped(CompressedImage(format="rgb8; jpeg compressed bgr8", data=array("B", range(21))), frame)


def cloud_message(frame: str) -> PointCloud2:
    fields = [PointField(name=name, offset=offset, datatype=7, count=1) for name, offset in (("x", 0), ("rgb", 4))]
    data = array("B", range(48))
    return stamped(PointCloud2(height=2, width=3, fields=fields, point_step=8, row_step=24, data=data), frame)


def info_message(frame: str, model: str, distortion: int) -> CameraInfo:
    return stamped(CameraInfo(width=640, height=480, distortion_model=model, d=[0.1] * distortion, k=K, p=P), frame)


def voice_message(text: str, intent: int = VoiceCommand.GRASP) -> VoiceCommand:
    message = VoiceCommand(intent=intent, text=text, instruction=text[::-1], language="en", confidence=0.75)
    message.speech_ns, message.latency_ns = 1_234_567_890_123, -5
    return stamped(message, "")


MESSAGES: dict[str, tuple[Callable[[bytes], Any], Any, tuple[Field, ...]]] = {
    "wrench": (read_wrench, wrench_message("panda_ft"), cdr.WRENCH_FIELDS),
    "batch": (read_wrench_batch, batch_message("ft", 3), cdr.WRENCH_BATCH_FIELDS),
    "joints": (lambda data: JointStateReader().read(data), joint_message("base", ["a", "b"]), cdr.JOINT_STATE_FIELDS),
    "named joints": (
        lambda data: NamedJointReader(["b"]).read(data),
        joint_message("base", ["a", "b"], effort=True),
        cdr.JOINT_STATE_FIELDS,
    ),
    "image": (read_image, image_message("camera", "rgb8"), cdr.IMAGE_FIELDS),
    "compressed image": (read_compressed_image, compressed_message("camera"), cdr.COMPRESSED_IMAGE_FIELDS),
    "cloud": (read_point_cloud, cloud_message("camera"), cdr.POINT_CLOUD_FIELDS),
    "info": (read_camera_info, info_message("camera", "plumb_bob", 5), cdr.CAMERA_INFO_FIELDS),
    "voice": (read_voice_command, voice_message("pick up"), (*cdr.VOICE_COMMAND_FIELDS, *[(cdr.STRING,)] * 2)),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_wrench_is_read_and_written_as_ros_does(frame: str) -> None:
    message = wrench_message(frame)
    stamp, read_frame, read = read_wrench(bytes(serialize_message(message)))
    assert (stamp, read_frame, read.tolist()) == (T_NS, frame, VALUES.tolist())
    assert deserialize_message(WrenchWriter(frame).write(T_NS, VALUES), WrenchStamped) == message


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_batch_of_wrenches_is_read_as_ros_does(frame: str, count: int) -> None:
    stamps_ns, read_frame, read = read_wrench_batch(bytes(serialize_message(batch_message(frame, count))))
    assert (stamps_ns.tolist(), read_frame) == ([T_NS + k for k in range(count)], frame)
    assert read.tolist() == [VALUES.tolist()] * count


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
    _, position, velocity = reader.read(bytes(serialize_message(message)))
    assert position.tolist() == [1.0, 2.0] and np.isnan(velocity).all() and len(velocity) == 2


@pytest.mark.parametrize(("positions", "velocities"), [(0, 0), (0, 2), (1, 2), (2, 3), (3, 0)])
def test_what_a_joint_state_lacks_is_counted_right(positions: int, velocities: int) -> None:
    message = JointState(name=["a", "b"], position=[1.0] * positions, velocity=[2.0] * velocities, effort=[3.0] * 2)
    with pytest.raises(SensorError, match=f"2 positions and velocities, got {positions} and {velocities};"):
        JointStateReader().read(bytes(serialize_message(message)))


def test_joints_are_read_by_name_in_whatever_order_they_come() -> None:
    reader = NamedJointReader(["b", "a"])
    for names in (["a", "b", "c"], ["c", "b", "a"]):
        values = [float(ord(name)) for name in names]
        message = JointState(name=names, position=values, velocity=values)
        state = reader.read(bytes(serialize_message(message)))
        assert state is not None and state[1].tolist() == state[2].tolist() == [98.0, 97.0]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("encoding", ["rgb8", "16UC1", "bgr8", ""])
def test_an_image_is_read_as_ros_does(frame: str, encoding: str) -> None:
    message = image_message(frame, encoding)
    image = read_image(bytes(serialize_message(message)))
    fields = ("height", "width", "encoding", "is_bigendian", "step")
    assert [getattr(image, name) for name in fields] == [getattr(message, name) for name in fields]
    assert (image.stamp_ns, image.frame, bytes(image.data)) == (T_NS, frame, bytes(range(45)))


@pytest.mark.parametrize("frame", FRAMES)
def test_a_compressed_image_and_a_cloud_are_read_as_ros_does(frame: str) -> None:
    image = read_compressed_image(bytes(serialize_message(compressed_message(frame))))
    assert (image.stamp_ns, image.frame, image.format) == (T_NS, frame, "rgb8; jpeg compressed bgr8")
    assert bytes(image.data) == bytes(range(21))
    cloud = read_point_cloud(bytes(serialize_message(cloud_message(frame))))
    assert (cloud.stamp_ns, cloud.frame, cloud.height, cloud.width) == (T_NS, frame, 2, 3)
    assert cloud.fields == {"x": (0, 7), "rgb": (4, 7)} and bytes(cloud.data) == bytes(range(48))
    assert (cloud.is_bigendian, cloud.point_step, cloud.row_step) == (0, 8, 24)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("model", ["", "plumb_bob", "equidistant"])
@pytest.mark.parametrize("distortion", [0, 4, 5, 8])
def test_intrinsics_are_read_as_ros_does(frame: str, model: str, distortion: int) -> None:
    data = bytes(serialize_message(info_message(frame, model, distortion)))
    width, height, read, D, name, projection, read_frame = read_camera_info(data)
    assert (width, height) == (640, 480) and read.ravel().tolist() == K and read.shape == (3, 3)
    assert (
        D.tolist() == [0.1] * distortion and name == model and projection.ravel().tolist() == P and read_frame == frame
    )


@pytest.mark.parametrize("text", ["", "x", "pick up the cube", "拿起红色的方块", "é"])
@pytest.mark.parametrize("intent", sorted(CARRIED_OUT, key=lambda intent: intent.value))
def test_a_voice_command_is_read_as_ros_does(text: str, intent: Intent) -> None:
    command = read_voice_command(bytes(serialize_message(voice_message(text, intent.value))))
    assert (command.stamp_ns, command.intent, command.text, command.instruction) == (T_NS, intent, text, text[::-1])
    assert (command.language, command.confidence) == ("en", 0.75)
    assert (command.speech_ns, command.latency_ns) == (1_234_567_890_123, -5)


def test_the_intents_are_those_of_the_message_and_an_unknown_one_is_none() -> None:
    assert all(getattr(VoiceCommand, intent.name) == intent.value for intent in CARRIED_OUT)
    for other in (Intent.FASTER.value, 200):
        assert read_voice_command(bytes(serialize_message(voice_message("x", other)))).intent is None


def test_the_stamp_of_any_stamped_message_is_read() -> None:
    assert read_stamp_ns(bytes(serialize_message(wrench_message("x")))) == T_NS


# Other representations


def big_endian(data: bytes, fields: tuple[Field, ...], alignment: int = 8) -> bytes:
    """A plain little-endian message as a sender of the other byte order puts it, by a walk of its own."""
    out, at = bytearray(), 4

    def number(size: int) -> int:
        nonlocal at
        at += -(at - 4) % size
        raw, at = data[at : at + size], at + size
        out.extend(bytes(-len(out) % min(size, alignment)) + raw[::-1])
        return int.from_bytes(raw, "little")

    def walk(fields: tuple[Field, ...]) -> None:
        for field in fields:
            if isinstance(field, int):
                number(field)
            else:
                for _ in range(number(4)):
                    walk((1,) if field == cdr.STRING else field)  # type: ignore[arg-type]

    walk(fields)
    return bytes(out)


def same(one: Any, other: Any) -> bool:
    if not hasattr(one, "data"):
        return repr(one) == repr(other)
    return vars(one) | {"data": bytes(one.data)} == vars(other) | {"data": bytes(other.data)}


@pytest.mark.parametrize(("identifier", "alignment"), [(0, 8), (2, 8), (6, 4), (8, 4), (10, 4)])
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_the_other_byte_order_or_alignment_is_read_as_ros_does(
    name: str, identifier: int, alignment: int
) -> None:
    read, message, fields = MESSAGES[name]
    data = bytes(serialize_message(message))
    other = bytes([0, identifier, 0, 0]) + big_endian(data, fields, alignment)
    assert deserialize_message(other, type(message)) == message  # so ROS reads it, too
    assert same(read(other), read(data)) and cdr.read_stamp_ns(other) == cdr.read_stamp_ns(data)
    assert deserialize_message(little_endian(other, fields), type(message)) == message


def test_a_little_endian_message_of_another_alignment_is_read_as_ros_does() -> None:
    sec, nanosec = divmod(T_NS, 1_000_000_000)
    data = b"\0\7\0\0" + struct.pack("<iII6s2x6d", sec, nanosec, 6, b"abcde\0", *VALUES)
    assert deserialize_message(data, WrenchStamped).wrench == wrench()
    stamp, frame, read = read_wrench(data)
    assert (stamp, frame, read.tolist()) == (T_NS, "abcde", VALUES.tolist())


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("begin", ["", "00", "0004", "0005", "000c", "0101", "ff01", "0100"])
def test_an_unknown_representation_is_refused_as_by_ros(name: str, begin: str) -> None:
    read, message, _ = MESSAGES[name]
    start = bytes.fromhex(begin)
    data = start + bytes(serialize_message(message))[len(start) :] if len(start) == 2 else start
    with pytest.raises(SensorError):
        read(data)
    with pytest.raises(Exception, match="deserialize"):
        deserialize_message(data, type(message))


# Malformed messages


@pytest.mark.parametrize("name", sorted(MESSAGES.keys() - {"info"}))
def test_a_stamp_of_a_thousand_million_nanoseconds_is_refused(name: str) -> None:
    read, data = MESSAGES[name][0], bytearray(serialize_message(MESSAGES[name][1]))
    struct.pack_into("<I", data, data.rindex(struct.pack("<iI", *divmod(T_NS, 10**9))) + 4, 10**9)
    with pytest.raises(SensorError, match="less than 1000000000 nanoseconds, got 1000000000"):
        read(bytes(data))


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_message_that_is_cut_off_anywhere_is_refused_and_ends_nothing(name: str, swapped: bool) -> None:
    read, message, fields = MESSAGES[name]
    data = bytes(serialize_message(message))
    read_fields = cdr.VOICE_COMMAND_FIELDS if name == "voice" else fields  # older recordings end before the slots
    needed = 4 + len(big_endian(data, read_fields))
    if swapped:
        data = bytes(4) + big_endian(data, fields)
    for end in range(needed):
        with pytest.raises(SensorError):
            read(data[:end])
    read(data)


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("count", [2**32 - 1, 2**31, 2**24])
@pytest.mark.parametrize("swapped", [False, True])
def test_lengths_beyond_all_bounds_are_refused_at_once_or_change_nothing_that_is_read(
    name: str, count: int, swapped: bool
) -> None:
    read, message, fields = MESSAGES[name]
    data = bytes(serialize_message(message))
    if swapped:
        data = bytes(4) + big_endian(data, fields)
    for offset in range(4, len(data) - 3, 4):
        damaged = bytearray(data)
        struct.pack_into(">I" if swapped else "<I", damaged, offset, count)
        try:
            read(bytes(damaged))
        except SensorError:
            pass


@pytest.mark.parametrize("name", MESSAGES)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_a_sensor_error_or_a_message_and_nothing_else(name: str, data: st.DataObject) -> None:
    read, message, _ = MESSAGES[name]
    damaged = bytearray(serialize_message(message))
    places = st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=8)
    for place, value in data.draw(places):
        damaged[place] = value
    try:
        read(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    except SensorError as error:
        assert str(error)
