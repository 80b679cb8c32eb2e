"""Sensor messages straight from and to their wire form: a microsecond each instead of thirty through objects.

Plain CDR, which every ROS 2 middleware speaks (DDS-XTypes 1.3, section 7.4): 4 bytes say the byte order, all that
follows is aligned from behind them to its own size. What comes in another byte order goes the long way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from struct import Struct
from typing import Any

import numpy as np
from autoglm_embodied_interfaces.msg import WrenchBatch
from geometry_msgs.msg import WrenchStamped
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, JointState

from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray

NS_PER_S = 1_000_000_000
BEGIN = 4  # of the data, behind the byte order
LITTLE_ENDIAN = b"\x00\x01"
STAMP = Struct("<iI")
HEADER = Struct("<iII")  # stamp and the length of the frame's name with its closing zero
NAME = BEGIN + HEADER.size
COUNT = Struct("<I")
SIZE = Struct("<II")
DOUBLE = 8
WRENCH_BYTES = 6 * DOUBLE
STAMPS = np.dtype([("sec", "<i4"), ("nanosec", "<u4")])


def aligned(place: int, size: int) -> int:
    """The first place not before this one where a value of `size` bytes may stand."""
    return BEGIN + -(-(place - BEGIN) // size) * size


def whole(read: Callable[..., Any]) -> Callable[..., Any]:
    """`read` with a SensorError for a message that is cut off or is none of its type."""

    @wraps(read)
    def checked(*arguments: Any) -> Any:
        try:
            return read(*arguments)
        except (struct.error, IndexError, ValueError, RuntimeError) as error:
            raise SensorError(f"a message cannot be read ({error}); check what publishes on its topic") from error

    return checked


@dataclass(frozen=True)
class RawImage:
    """The fields of an Image message; `data` is a view of the message."""

    stamp_ns: int
    frame: str
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


def read_stamp_ns(data: bytes) -> int:
    """The header stamp of any stamped message."""
    sec, nanosec = STAMP.unpack_from(data, BEGIN)
    return int(sec * NS_PER_S + nanosec)


@whole
def read_wrench(data: bytes) -> tuple[int, str, FloatArray]:
    """Stamp [ns], frame and (6,) force then torque [N, N·m] of a WrenchStamped."""
    data = _little_endian(data, WrenchStamped)
    sec, nanosec, length = HEADER.unpack_from(data, BEGIN)
    place = aligned(NAME + length, DOUBLE)
    if len(data) < place + WRENCH_BYTES:
        raise SensorError(f"a wrench message must hold {place + WRENCH_BYTES} bytes, got {len(data)}")
    frame = data[NAME : NAME + length - 1].decode()
    return sec * NS_PER_S + nanosec, frame, np.frombuffer(data, "<f8", 6, place)


@whole
def read_wrench_batch(data: bytes) -> tuple[NDArray[np.int64], str, FloatArray]:
    """Stamps (n,) [ns], frame and (n, 6) force then torque [N, N·m] of a WrenchBatch."""
    data = _little_endian(data, WrenchBatch)
    _, _, length = HEADER.unpack_from(data, BEGIN)
    frame = data[NAME : NAME + length - 1].decode()
    place = aligned(NAME + length, COUNT.size)
    (stamp_count,) = COUNT.unpack_from(data, place)
    place += COUNT.size
    stamps = np.frombuffer(data, STAMPS, stamp_count, place)
    place += stamps.nbytes
    (count,) = COUNT.unpack_from(data, place)
    if stamp_count != count:
        raise SensorError(f"a wrench batch must hold a stamp for each wrench, got {stamp_count} and {count}")
    wrenches = np.frombuffer(data, "<f8", 6 * count, aligned(place + COUNT.size, DOUBLE)) if count else np.empty(0)
    return stamps["sec"].astype(np.int64) * NS_PER_S + stamps["nanosec"], frame, wrenches.reshape(count, 6)


@whole
def read_image(data: bytes) -> RawImage:
    """An Image, its pixels not copied."""
    data = _little_endian(data, Image)
    sec, nanosec, length = HEADER.unpack_from(data, BEGIN)
    frame, place = data[NAME : NAME + length - 1].decode(), aligned(NAME + length, COUNT.size)
    height, width = SIZE.unpack_from(data, place)
    encoding, place = _string(data, place + SIZE.size)
    is_bigendian, place = data[place], aligned(place + 1, COUNT.size)
    step, count = SIZE.unpack_from(data, place)
    pixels = memoryview(data)[place + SIZE.size :]
    if len(pixels) < count:
        raise SensorError(f"an image message must hold {count} bytes of pixels, got {len(pixels)}")
    stamp_ns = sec * NS_PER_S + nanosec
    return RawImage(stamp_ns, frame, height, width, encoding, is_bigendian, step, pixels[:count])


@dataclass(frozen=True)
class JointStatePlaces:
    """Where the parts of a JointState of as many positions and velocities as names stand."""

    names_end: int
    position_count: int
    position: int
    velocity_count: int
    velocity: int

    @classmethod
    def of(cls, data: bytes | bytearray, names: int) -> JointStatePlaces:
        """Those in a message of so many names."""
        place = aligned(NAME + HEADER.unpack_from(data, BEGIN)[2], COUNT.size) + COUNT.size
        for _ in range(names):
            place = _string(data, aligned(place, COUNT.size))[1]
        position_count = aligned(place, COUNT.size)
        position = aligned(position_count + COUNT.size, DOUBLE)
        velocity_count = position + names * DOUBLE
        return cls(place, position_count, position, velocity_count, aligned(velocity_count + COUNT.size, DOUBLE))

    def fit(self, data: bytes, names: int) -> bool:
        """Whether a message of the same names has a position and a velocity for each."""
        return all(COUNT.unpack_from(data, place)[0] == names for place in (self.position_count, self.velocity_count))


class JointStateReader:
    """Reads JointState messages; the names, which hardly ever change, only once."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._head: bytes | None = None
        self._length = 0

    @whole
    def read(self, data: bytes) -> tuple[int, FloatArray, FloatArray]:
        """Stamp [ns], positions (n,) and velocities (n,), one for each of `names`.

        Raises:
            SensorError: a joint has no position or no velocity.
        """
        data = _little_endian(data, JointState)
        if not self._known(data):
            self._learn(data)
        places, count = self._places, len(self.names)
        position = np.frombuffer(data, "<f8", count, places.position)
        return read_stamp_ns(data), position, np.frombuffer(data, "<f8", count, places.velocity)

    def _known(self, data: bytes) -> bool:
        if self._head is None or len(data) != self._length or data[NAME : self._places.names_end] != self._head:
            return False
        return self._places.fit(data, len(self.names))

    def _learn(self, data: bytes) -> None:
        message, self._head = deserialize_message(data, JointState), None
        count = len(message.name)
        if not count or len(message.position) != count or len(message.velocity) != count:
            raise SensorError(
                f"joint_states must hold {count or 'some'} positions and velocities, "
                f"got {len(message.position)} and {len(message.velocity)}; let the driver publish both"
            )
        self.names, self._length, self._places = list(message.name), len(data), JointStatePlaces.of(data, count)
        self._head = data[NAME : self._places.names_end]


class WrenchWriter:
    """Fills one WrenchStamped again and again."""

    def __init__(self, frame_id: str) -> None:
        message = WrenchStamped()
        message.header.frame_id = frame_id
        self._data = bytearray(serialize_message(message))
        place = aligned(NAME + HEADER.unpack_from(self._data, BEGIN)[2], DOUBLE)
        self._wrench = slice(place, place + WRENCH_BYTES)

    def write(self, t_ns: int, wrench: FloatArray) -> bytes:
        """The message of (6,) force then torque [N, N·m]."""
        STAMP.pack_into(self._data, BEGIN, *divmod(t_ns, NS_PER_S))
        self._data[self._wrench] = _doubles(wrench)
        return bytes(self._data)


class JointStateWriter:
    """Fills one JointState, without efforts, again and again."""

    def __init__(self, frame_id: str, names: list[str]) -> None:
        zeros = [0.0] * len(names)
        message = JointState(name=names, position=zeros, velocity=zeros)
        message.header.frame_id = frame_id
        self._data = bytearray(serialize_message(message))
        places, size = JointStatePlaces.of(self._data, len(names)), DOUBLE * len(names)
        self._position = slice(places.position, places.position + size)
        self._velocity = slice(places.velocity, places.velocity + size)

    def write(self, t_ns: int, position: FloatArray, velocity: FloatArray) -> bytes:
        """The message of positions and velocities, one of each for every name."""
        STAMP.pack_into(self._data, BEGIN, *divmod(t_ns, NS_PER_S))
        self._data[self._position] = _doubles(position)
        self._data[self._velocity] = _doubles(velocity)
        return bytes(self._data)


def _doubles(values: FloatArray) -> bytes:
    return np.ascontiguousarray(values, "<f8").tobytes()


def _string(data: bytes | bytearray, place: int) -> tuple[str, int]:
    """A string and where it ends."""
    (length,) = COUNT.unpack_from(data, place)
    end = place + COUNT.size + length
    return data[place + COUNT.size : end - 1].decode(), end


def _little_endian(data: bytes, message_type: type[Any]) -> bytes:
    if data[:2] == LITTLE_ENDIAN:
        return data
    again: bytes = serialize_message(deserialize_message(data, message_type))
    return again
