"""The wire form of sensor messages (CDR), read and written without ROS: in 1 microsecond, not 30 through objects.

Plain CDR, which every ROS 2 middleware speaks (DDS-XTypes 1.3, section 7.4): 4 bytes name the representation, all that
follows is aligned from behind them to its own size. The readers know plain little-endian CDR; what comes in another
byte order or alignment is first transcoded to it. Malformed bytes are a SensorError.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from struct import Struct
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import CARRIED_OUT, FloatArray, Intent

NS_PER_S = 1_000_000_000
BEGIN = 4  # of the data, behind the representation
LITTLE_ENDIAN = b"\x00\x01"
REPRESENTATION = LITTLE_ENDIAN + b"\x00\x00"
STAMP, BIG_STAMP = Struct("<iI"), Struct(">iI")
HEADER = Struct("<iII")  # stamp and the length of the frame's name with its closing zero
NAME = BEGIN + HEADER.size
COUNT = Struct("<I")
SIZE = Struct("<II")
DOUBLE = 8
WRENCH_BYTES = 6 * DOUBLE
STAMPS = np.dtype([("sec", "<i4"), ("nanosec", "<u4")])
BYTES_FROM_K = (9 + 9 + 12) * DOUBLE + 6 * 4 + 1  # of camera_info: K, R, P, binning and region of interest
CONFIDENCE, DURATIONS = Struct("<f"), Struct("<qq")

Field = int | str | tuple["Field", ...]
"""Of a message: a number of so many bytes, a string, or a sequence of a structure."""

STRING = "string"
HEADER_FIELDS: tuple[Field, ...] = (4, 4, STRING)
WRENCH_FIELDS = HEADER_FIELDS + (8,) * 6
WRENCH_BATCH_FIELDS = (*HEADER_FIELDS, (4, 4), (8,) * 6)
IMAGE_FIELDS = (*HEADER_FIELDS, 4, 4, STRING, 1, 4, (1,))
JOINT_STATE_FIELDS = (*HEADER_FIELDS, (STRING,), (8,), (8,), (8,))
CAMERA_INFO_FIELDS = (*HEADER_FIELDS, 4, 4, STRING, (8,), *(8,) * 30, *(4,) * 6, 1)
COMPRESSED_IMAGE_FIELDS = (*HEADER_FIELDS, STRING, (1,))
POINT_CLOUD_FIELDS = (*HEADER_FIELDS, 4, 4, (STRING, 4, 1, 4), 1, 4, 4, (1,), 1)
VOICE_COMMAND_FIELDS = (*HEADER_FIELDS, 1, STRING, STRING, STRING, 4, 8, 8)

MALFORMED = (struct.error, IndexError, ValueError)
Read = TypeVar("Read")


def aligned(offset: int, size: int) -> int:
    """The first offset in a message, not before this one, where a value of this size may stand [bytes]."""
    return BEGIN + -(-(offset - BEGIN) // size) * size


def unreadable(error: Exception) -> SensorError:
    """What is raised of a message that is cut off or is none of its type."""
    return SensorError(f"a message cannot be read ({error}); check what publishes on its topic")


def reader(read: Callable[[bytes], Read]) -> Callable[[bytes], Read]:
    """`read`, of which malformed bytes are a SensorError."""

    @wraps(read)
    def checked(data: bytes) -> Read:
        try:
            return read(data)
        except MALFORMED as error:
            raise unreadable(error) from error

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


@dataclass(frozen=True)
class SpokenCommand:
    """The fields of a VoiceCommand message; `intent` is None where this version does not know it."""

    stamp_ns: int
    intent: Intent | None
    text: str
    instruction: str
    language: str
    confidence: float
    speech_ns: int
    latency_ns: int


def stamp_of(sec: int, nanosec: int) -> int:
    """A stamp [ns] of builtin_interfaces/Time; SensorError if it is none: its nanoseconds are a second or more."""
    if nanosec >= NS_PER_S:
        raise SensorError(f"a stamp must hold less than {NS_PER_S} nanoseconds, got {nanosec}; mend what publishes it")
    return sec * NS_PER_S + nanosec


def read_stamp_ns(data: bytes) -> int:
    """The header stamp of any stamped message, in CDR of either byte order; the errors are those of `stamp_of`."""
    sec, nanosec = (STAMP if data[1] % 2 else BIG_STAMP).unpack_from(data, BEGIN)
    return stamp_of(sec, nanosec)


@reader
def read_wrench(data: bytes) -> tuple[int, str, FloatArray]:
    """Stamp [ns], frame and (6,) force then torque [N, N·m] of a WrenchStamped."""
    data = little_endian(data, WRENCH_FIELDS)
    sec, nanosec, length = HEADER.unpack_from(data, BEGIN)
    offset = aligned(NAME + length, DOUBLE)
    if len(data) < offset + WRENCH_BYTES:
        raise SensorError(f"a wrench message must hold {offset + WRENCH_BYTES} bytes, got {len(data)}")
    frame = data[NAME : NAME + length - 1].decode()
    return stamp_of(sec, nanosec), frame, np.frombuffer(data, "<f8", 6, offset)


@reader
def read_wrench_batch(data: bytes) -> tuple[NDArray[np.int64], str, FloatArray]:
    """Stamps (n,) [ns], frame and (n, 6) force then torque [N, N·m] of a WrenchBatch."""
    data = little_endian(data, WRENCH_BATCH_FIELDS)
    _, _, length = HEADER.unpack_from(data, BEGIN)
    frame = data[NAME : NAME + length - 1].decode()
    offset = aligned(NAME + length, COUNT.size)
    (stamp_count,) = COUNT.unpack_from(data, offset)
    offset += COUNT.size
    stamps = np.frombuffer(data, STAMPS, stamp_count, offset)
    offset += stamps.nbytes
    (count,) = COUNT.unpack_from(data, offset)
    if stamp_count != count:
        raise SensorError(f"a wrench batch must hold a stamp for each wrench, got {stamp_count} and {count}")
    wrenches = np.frombuffer(data, "<f8", 6 * count, aligned(offset + COUNT.size, DOUBLE)) if count else np.empty(0)
    stamp_of(0, stamps["nanosec"].max(initial=0).item())
    return stamps["sec"].astype(np.int64) * NS_PER_S + stamps["nanosec"], frame, wrenches.reshape(count, 6)


@reader
def read_image(data: bytes) -> RawImage:
    """An Image, its pixels not copied."""
    data = little_endian(data, IMAGE_FIELDS)
    sec, nanosec, length = HEADER.unpack_from(data, BEGIN)
    frame, offset = data[NAME : NAME + length - 1].decode(), aligned(NAME + length, COUNT.size)
    height, width = SIZE.unpack_from(data, offset)
    encoding, offset = read_string(data, offset + SIZE.size)
    is_bigendian, offset = data[offset], aligned(offset + 1, COUNT.size)
    (step,) = COUNT.unpack_from(data, offset)
    pixels = bytes_view(data, offset + COUNT.size)
    return RawImage(stamp_of(sec, nanosec), frame, height, width, encoding, is_bigendian, step, pixels)


@reader
def read_camera_info(data: bytes) -> tuple[int, int, FloatArray, FloatArray, str, FloatArray, str]:
    """Width, height [px], K (3, 3) [px], D (n,), the distortion's model, P (3, 4) and the frame of a CameraInfo."""
    data = little_endian(data, CAMERA_INFO_FIELDS)
    frame, offset = read_string(data, NAME - COUNT.size)
    offset = aligned(offset, COUNT.size)
    height, width = SIZE.unpack_from(data, offset)
    model, offset = read_string(data, offset + SIZE.size)
    count, end = doubles_end(data, aligned(offset, COUNT.size))
    offset = aligned(end, DOUBLE)
    if len(data) < offset + BYTES_FROM_K:
        raise SensorError(f"a camera_info message must hold {offset + BYTES_FROM_K} bytes, got {len(data)}")
    D = np.frombuffer(data, "<f8", count, end - count * DOUBLE)
    K, _, P = np.split(np.frombuffer(data, "<f8", 30, offset), (9, 18))
    return width, height, K.reshape(3, 3), D, model, P.reshape(3, 4), frame


@reader
def read_voice_command(data: bytes) -> SpokenCommand:
    """A VoiceCommand."""
    data = little_endian(data, VOICE_COMMAND_FIELDS)
    _, offset = read_string(data, NAME - COUNT.size)
    intent, offset = data[offset], offset + 1
    text, offset = read_string(data, aligned(offset, COUNT.size))
    instruction, offset = read_string(data, aligned(offset, COUNT.size))
    language, offset = read_string(data, aligned(offset, COUNT.size))
    offset = aligned(offset, CONFIDENCE.size)
    (confidence,) = CONFIDENCE.unpack_from(data, offset)
    speech_ns, latency_ns = DURATIONS.unpack_from(data, aligned(offset + CONFIDENCE.size, DOUBLE))
    known = Intent(intent) if intent in {each.value for each in CARRIED_OUT} else None
    return SpokenCommand(read_stamp_ns(data), known, text, instruction, language, confidence, speech_ns, latency_ns)


def read_string(data: bytes, offset: int) -> tuple[str, int]:
    """The string whose length stands at an offset [bytes], and where it ends.

    That is beyond the message where the string is cut off, so that what follows cannot be read.

    Raises:
        struct.error: the length is cut off.
    """
    (length,) = COUNT.unpack_from(data, offset)
    begin = offset + COUNT.size
    end = begin + length
    return data[begin:end].removesuffix(b"\0").decode(errors="replace"), end


def bytes_view(data: bytes, offset: int) -> memoryview:
    """The bytes of the sequence whose count stands at an offset [bytes], not copied.

    Raises:
        struct.error, ValueError: it is cut off.
    """
    (count,) = COUNT.unpack_from(data, offset)
    found = memoryview(data)[offset + COUNT.size :][:count]
    if len(found) < count:
        raise ValueError(f"{count} bytes of data are wanted, {len(found)} came")
    return found


def doubles_end(data: bytes, offset: int) -> tuple[int, int]:
    """How many doubles the sequence at an offset [bytes] holds, and where it would end.

    Raises:
        struct.error: the count is cut off.
    """
    (count,) = COUNT.unpack_from(data, offset)
    offset += COUNT.size
    return count, aligned(offset, DOUBLE) + count * DOUBLE if count else offset


def header(frame_id: str) -> bytes:
    """The beginning of a stamped message, its stamp 0, in plain little-endian CDR."""
    name = frame_id.encode() + b"\0"
    return REPRESENTATION + HEADER.pack(0, 0, len(name)) + name


def padded(data: bytes, size: int) -> bytes:
    """The beginning of a message, up to where a value of this size [bytes] may stand."""
    return data + bytes(aligned(len(data), size) - len(data))


def written(stamp_ns: int, frame_id: str, *values: str | bytes | np.generic | NDArray[Any]) -> bytes:
    """A stamped message of these fields: text, a sequence of bytes or of numbers, or one number each.

    Args:
        stamp_ns: of its header.
        frame_id: of its header.
        values: in the order of the fields.
    """
    data = REPRESENTATION + STAMP.pack(*divmod(stamp_ns, NS_PER_S))
    for value in (frame_id, *values):
        content = f"{value}\0".encode() if isinstance(value, str) else value
        if not isinstance(content, np.generic):
            data = padded(data, COUNT.size) + COUNT.pack(len(content))
        if isinstance(content, (np.generic, np.ndarray)):
            data = padded(data, content.itemsize) if content.size else data
            content = content.tobytes()
        data += content
    return data


class WrenchWriter:
    """Fills one WrenchStamped again and again; `frame_id` is of its header."""

    def __init__(self, frame_id: str) -> None:
        self._head = bytearray(padded(header(frame_id), DOUBLE))

    def write(self, t_ns: int, wrench: FloatArray) -> bytes:
        """The message of a sample.

        Args:
            t_ns: stamp.
            wrench: (6,) force then torque [N, N·m], in the frame of the header.
        """
        STAMP.pack_into(self._head, BEGIN, *divmod(t_ns, NS_PER_S))
        return bytes(self._head) + np.ascontiguousarray(wrench, "<f8").tobytes()


def little_endian(data: bytes, fields: tuple[Field, ...]) -> bytes:
    """A message in plain little-endian CDR, from any representation of CDR and the fields of its type.

    Raises:
        SensorError: its representation is unknown.
        struct.error, ValueError: it is malformed.
    """
    if data[:2] == LITTLE_ENDIAN:
        return data
    transcoder = _Transcoder(data)
    transcoder.copy(fields)
    return bytes(transcoder.out)


class _Transcoder:
    """Writes the fields of a message anew, as plain little-endian CDR."""

    def __init__(self, data: bytes) -> None:
        identifier = int.from_bytes(data[:2], "big")  # DDS-XTypes 1.3, table 59: odd is little-endian
        if len(data) < BEGIN or not (identifier <= 3 or 6 <= identifier <= 11):
            raise SensorError(f"a message must be in CDR, got {data[:2].hex() or 'nothing'} as its representation")
        self.out = bytearray(REPRESENTATION)
        self._data = data
        self._offset = BEGIN
        self._order = "<" if identifier % 2 else ">"
        self._most_aligned = 8 if identifier <= 3 else 4  # version 2 aligns doubles to 4 bytes

    def copy(self, fields: tuple[Field, ...]) -> None:
        """Write what stands next in the message, if it is these fields."""
        for field in fields:
            if isinstance(field, int):
                self._numbers(field, 1)
            elif field == STRING:
                self._numbers(1, self._count())
            elif len(field) == 1 and isinstance(field[0], int):
                self._numbers(field[0], self._count())
            elif isinstance(field, tuple):
                for _ in range(self._count()):
                    self.copy(field)

    def _count(self) -> int:
        self._numbers(COUNT.size, 1)
        count: int = COUNT.unpack_from(self.out, len(self.out) - COUNT.size)[0]
        return count

    def _numbers(self, size: int, count: int) -> None:
        if not count:
            return
        begin = aligned(self._offset, min(size, self._most_aligned))
        self._offset = begin + size * count
        numbers = np.frombuffer(self._data, f"{self._order}u{size}", count, begin)
        self.out += bytes(aligned(len(self.out), size) - len(self.out))
        self.out += numbers.astype(f"<u{size}").tobytes()
