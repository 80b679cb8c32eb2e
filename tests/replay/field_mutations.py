"""Changes to the fields of a recording's messages, to its topics and types, and to its files, each drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from bag_cases import write_ros2_mcap, write_sqlite
from geometry_msgs.msg import WrenchStamped
from mutations import SENSORS, TIMES_AND_BYTES, Recording, drawn_streams, some
from observing import EPOCH_NS
from rclpy.serialization import deserialize_message, serialize_message
from replay_cases import STREAM_OF
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.bag.writer import BagWriter
from autoglm_embodied.ingest.sensor_input import STREAMS

KINDS = {"wrench": WrenchStamped, "joints": JointState, "rgb": Image, "depth": Image, "camera_info": CameraInfo}
NUMBERS = (float("nan"), float("inf"), -float("inf"), 1e300, 1e30)


def edited(random: Random, recording: Recording, streams: tuple[str, ...], edit: Callable[[Any], object]) -> None:
    """Change some messages by their fields."""
    for k in some(random, recording.of(streams)):
        message = recording.messages[k]
        try:
            fields = deserialize_message(message.data, KINDS[STREAM_OF[message.topic]])
        except Exception:  # an earlier change left no such message
            continue
        edit(fields)
        recording.change([k], lambda _, fields=fields: serialize_message(fields))  # type: ignore[misc]


def drawn(random: Random, recording: Recording, kinds: dict[str, Callable[[Any], object]]) -> Callable[[Any], object]:
    name = random.choice(list(kinds))
    recording.notes.append(name)
    return kinds[name]


def wrench_fields(random: Random, recording: Recording) -> None:
    axis, number = random.choice("xyz"), random.choice(NUMBERS)
    kinds: dict[str, Callable[[Any], object]] = {
        "force not finite": lambda m: setattr(m.wrench.force, axis, number),
        "torque not finite": lambda m: setattr(m.wrench.torque, axis, number),
    }
    edited(random, recording, ("wrench",), drawn(random, recording, kinds))


def joint_fields(random: Random, recording: Recording) -> None:
    j, number = random.randrange(9), random.choice(NUMBERS)

    def reordered(m: Any) -> None:
        order = random.sample(range(len(m.name)), len(m.name))
        for column in ("name", "position", "velocity"):
            values = list(getattr(m, column))
            setattr(m, column, [values[k] for k in order] if len(values) == len(order) else values)

    def extra(m: Any) -> None:
        m.name, m.position, m.velocity = ["lift", *m.name], [0.3, *m.position], [0.1, *m.velocity]

    def without(m: Any) -> None:
        for column in ("name", "position", "velocity"):
            setattr(m, column, [value for k, value in enumerate(getattr(m, column)) if k != j])

    kinds: dict[str, Callable[[Any], object]] = {
        "position not finite": lambda m: setattr(m, "position", [*m.position[:j], number, *m.position[j + 1 :]]),
        "velocity not finite": lambda m: setattr(m, "velocity", [*m.velocity[:j], number, *m.velocity[j + 1 :]]),
        "no velocity": lambda m: setattr(m, "velocity", []),
        "short velocity": lambda m: setattr(m, "velocity", m.velocity[:j]),
        "short position": lambda m: setattr(m, "position", m.position[:j]),
        "renamed": lambda m: setattr(m, "name", [*m.name[:j], f"left_{j}", *m.name[j + 1 :]]),
        "twice": lambda m: setattr(m, "name", [*m.name[:1], *m.name[:1], *m.name[2:]]),
        "nameless": lambda m: setattr(m, "name", []),
        "efforts": lambda m: setattr(m, "effort", [1.0] * 9),
        **{"reordered": reordered, "extra": extra, "without": without},
    }
    edited(random, recording, ("joints",), drawn(random, recording, kinds))


def frame_ids(random: Random, recording: Recording) -> None:
    new = random.choice(("", "/camera", "camera2", "panda_ft ", "tool0", "x" * 300, "é"))
    streams = random.choice((("wrench",), ("rgb",), ("depth",), ("rgb", "depth"), ("camera_info",), ("joints",)))
    recording.notes.append("+".join(streams))
    edited(random, recording, streams, lambda m: setattr(m.header, "frame_id", new))


def encodings(random: Random, recording: Recording) -> None:
    """Labels that do not fit the pixels, or are unknown."""
    stream = random.choice(("rgb", "depth"))
    wide = ("rgba8", "rgb16", "bgra8", "bgr16", "8UC4") if stream == "rgb" else ("32FC1",)
    new = random.choice((*wide, "", "RGB8", "rgb8 ", "64FC1", "nv12", "jpeg", "16SC1", "x" * 200, "\u00fc"))
    recording.notes.append(f"{stream} {new[:9]}")
    edited(random, recording, (stream,), lambda m: setattr(m, "encoding", new))


def other_encodings(random: Random, recording: Recording) -> None:
    """The same pixels as other drivers send them."""
    random.choice((_colour_otherwise, _depth_otherwise))(random, recording)


def _colour_otherwise(random: Random, recording: Recording) -> None:
    name = random.choice(("bgr8", "rgba8", "bgra8", "8UC3", "rgb16", "bgr16"))
    padding, big = random.choice((0, 4, 64)), random.random() < 0.5
    recording.notes.append(f"{name} padded by {padding}{' big' if big else ''}")

    def edit(m: Any) -> None:
        if m.encoding != "rgb8" or len(m.data) != m.height * m.width * 3:
            return
        pixels = np.frombuffer(m.data, np.uint8).reshape(m.height, m.width, 3)
        pixels = pixels[..., ::-1] if name[0] in "b8" else pixels
        if name.endswith("a8"):
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], 9, np.uint8)])
        _set_pixels(m, name, pixels.astype(np.uint16) * 257 if "16" in name else pixels, padding, big)

    edited(random, recording, ("rgb",), edit)


def _depth_otherwise(random: Random, recording: Recording) -> None:
    name, padding, big = random.choice(("mono16", "32FC1")), random.choice((0, 4, 64)), random.random() < 0.5
    recording.notes.append(f"{name} padded by {padding}{' big' if big else ''}")

    def edit(m: Any) -> None:
        if m.encoding == "16UC1" and len(m.data) == m.height * m.width * 2:
            pixels = np.frombuffer(m.data, np.uint16).reshape(m.height, m.width, 1)
            metres = (pixels / 1000).astype(np.float32)
            _set_pixels(m, name, metres if name == "32FC1" else pixels, padding, big)

    edited(random, recording, ("depth",), edit)


def _set_pixels(m: Any, name: str, pixels: Any, padding: int, big: bool) -> None:
    rows = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<")).reshape(m.height, -1)
    rows = np.ascontiguousarray(rows).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=7)
    m.encoding, m.is_bigendian, m.step, m.data = name, int(big), rows.shape[1], rows.tobytes()


def sizes(random: Random, recording: Recording) -> None:
    """Sizes that contradict each other, or the other image's."""
    stream, name = random.choice(("rgb", "depth", "camera_info")), random.choice(("height", "width", "step"))
    new = random.choice((0, 1, 31, 33, 640, 2**31, 2**32 - 1))
    recording.notes.append(f"{stream}.{name} = {new}")
    edited(random, recording, (stream,), lambda m: hasattr(m, name) and setattr(m, name, new))


def no_depth(random: Random, recording: Recording) -> None:
    """Pixels without depth, as 0 or NaN."""
    share, as_nan = random.choice((0.1, 0.5, 1.0)), random.random() < 0.5
    recording.notes.append(f"{share:g} {'NaN' if as_nan else '0'}")

    def edit(m: Any) -> None:
        if m.encoding != "16UC1" or len(m.data) != m.height * m.width * 2:
            return
        metres = np.frombuffer(m.data, np.uint16).reshape(m.height, m.width, 1) / np.float32(1000)
        gone = np.random.default_rng(random.randrange(2**32)).random(metres.shape) < share
        _set_pixels(m, "32FC1", np.where(gone, np.float32(np.nan if as_nan else 0), metres), 0, False)

    edited(random, recording, ("depth",), edit)


def units(random: Random, recording: Recording) -> None:
    """Metres as millimetres, radians as degrees."""

    def millimetres(m: Any) -> None:
        if m.encoding == "16UC1" and len(m.data) == m.height * m.width * 2:
            pixels = np.frombuffer(m.data, np.uint16).reshape(m.height, m.width, 1)
            _set_pixels(m, "32FC1", pixels.astype(np.float32), 0, False)

    if random.random() < 0.5:
        edited(random, recording, ("depth",), millimetres)
    else:
        edited(random, recording, ("joints",), lambda m: setattr(m, "position", np.rad2deg(m.position)))


def calibration(random: Random, recording: Recording) -> None:
    """Intrinsics that are none, or a lens of an unknown model."""
    number, place = random.choice((0.0, -1.0, *NUMBERS)), random.choice((0, 4))

    def lens(m: Any) -> None:
        m.distortion_model, m.d = random.choice(("", "fov", "PLUMB_BOB", "plumb_bob")), [0.1, 0.0, number]

    kinds: dict[str, Callable[[Any], object]] = {
        "focal length": lambda m: m.k.__setitem__(place, number),
        "all zero": lambda m: setattr(m, "k", [0.0] * 9),
        "no distortion": lambda m: (setattr(m, "d", [0.0] * 5), setattr(m, "distortion_model", "plumb_bob")),
        "lens": lens,
    }
    edited(random, recording, ("camera_info",), drawn(random, recording, kinds))


def types(random: Random, recording: Recording) -> None:
    places = drawn_streams(random, recording)
    new = random.choice(("std_msgs/msg/String", "sensor_msgs/Image", "", "sensor_msgs/msg/CompressedImage"))
    recording.messages = [replace(m, type_name=new) if k in places else m for k, m in enumerate(recording.messages)]


def topics(random: Random, recording: Recording) -> None:
    """Another name, or one that only another stream has."""
    places = set(drawn_streams(random, recording))
    new = random.choice(("/other", "", "camera/color/image_raw", *(f"/{each.topic}" for each in STREAMS.values())))
    recording.notes.append(new)
    recording.messages = [replace(m, topic=new) if k in places else m for k, m in enumerate(recording.messages)]


def channels(random: Random, recording: Recording) -> None:
    """Topics that are not in CDR."""
    stream = random.choice(SENSORS)
    recording.encodings[f"/{STREAMS[stream].topic}"] = random.choice(("json", "ros1", "protobuf", ""))
    recording.notes.append(stream)


def file_truncated(random: Random, path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(len(data))])


def file_flipped(random: Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 3, 30))):
        data[random.randrange(min(len(data), random.choice((500, 10**9))))] ^= random.randrange(1, 256)
    path.write_bytes(data)


def file_zeroed(random: Random, path: Path) -> None:
    data, begin = bytearray(path.read_bytes()), random.randrange(path.stat().st_size)
    end = min(begin + random.choice((1, 100, 5000)), len(data))
    data[begin:end] = bytes(end - begin)
    path.write_bytes(data)


def file_twice(random: Random, path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


MUTATIONS = (
    *TIMES_AND_BYTES,
    *(wrench_fields, joint_fields, frame_ids, encodings, other_encodings, sizes, no_depth, units, calibration),
    *(types, topics, channels),
)
FILE_MUTATIONS = (file_truncated, file_flipped, file_zeroed, file_twice)
UNKNOWN_VALUES = {"flipped"}
"""After which a value may be false without anyone's being able to tell."""


def _chunked(path: Path, recording: Recording) -> Path:
    return write_ros2_mcap(path, recording.messages, recording.encodings, chunk_size=40_000)


def _ours(epoch_ns: int, metadata: dict[str, str]) -> Callable[[Path, Recording], Path]:
    def write(path: Path, recording: Recording) -> Path:
        writer = BagWriter(path, epoch_ns, metadata, lambda _: "")
        for message in recording.messages:
            writer.write(replace(message, receive_ns=max(message.receive_ns - epoch_ns, -epoch_ns)))
        writer.close()
        return path

    return write


def _whole(path: Path, recording: Recording) -> Path:
    return write_ros2_mcap(path, recording.messages, recording.encodings)


def _sqlite(path: Path, recording: Recording) -> Path:
    return write_sqlite(path, recording.messages)


WRITERS: tuple[tuple[str, Callable[[Path, Recording], Path]], ...] = (
    *[(".db3", _sqlite)] * 5,  # which is read fastest
    (".mcap", _chunked),
    (".mcap", _whole),
    (".mcap", _ours(EPOCH_NS - 5_000_000_000, {})),
    (".mcap", _ours(123_000_000, {"stream.wrench": "nowhere"})),
    (".mcap", _ours(0, {"epoch_ns": "soon"})),
    (".mcap", _ours(0, {"epoch_ns": "-7200000000000"})),
)
