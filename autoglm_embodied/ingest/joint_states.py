"""JointState messages: read from and written to their wire form, and named joints picked out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import (
    BEGIN,
    COUNT,
    DOUBLE,
    JOINT_STATE_FIELDS,
    MALFORMED,
    NAME,
    NS_PER_S,
    STAMP,
    aligned,
    doubles_end,
    header,
    little_endian,
    padded,
    read_stamp_ns,
    read_string,
    unreadable,
)
from autoglm_embodied.types import FloatArray


class _Layout(NamedTuple):
    """Offsets [bytes] in a JointState with a position and a velocity for each name."""

    position_count: int
    position: int
    velocity_count: int
    velocity: int


def _layout_behind(names_end: int, joints: int) -> _Layout:
    position_count = aligned(names_end, COUNT.size)
    position = aligned(position_count + COUNT.size, DOUBLE)
    velocity_count = position + joints * DOUBLE
    return _Layout(position_count, position, velocity_count, aligned(velocity_count + COUNT.size, DOUBLE))


class JointStateReader:
    """Reads JointState messages; the names, which hardly ever change, only once."""

    def __init__(self) -> None:
        self.names: list[str] = []  # of the last message; another list only where the names changed
        self._head: bytes | None = None
        self._length = 0

    def read(self, data: bytes) -> tuple[int, FloatArray, FloatArray]:
        """Stamp [ns], positions (n,) and velocities (n,) [rad, rad/s or m, m/s], one for each of `names`.

        Raises:
            SensorError: the message is malformed, or a joint has no position or no velocity.
        """
        try:
            data = little_endian(data, JOINT_STATE_FIELDS)
            if not self._known(data):
                self._learn(data)
            layout, count = self._layout, len(self.names)
            position = np.frombuffer(data, "<f8", count, layout.position)
            return read_stamp_ns(data), position, np.frombuffer(data, "<f8", count, layout.velocity)
        except MALFORMED as error:
            raise unreadable(error) from error

    def _known(self, data: bytes) -> bool:
        if self._head is None or len(data) != self._length or data[NAME : self._names_end] != self._head:
            return False
        counts = (self._layout.position_count, self._layout.velocity_count)
        return all(COUNT.unpack_from(data, offset)[0] == len(self.names) for offset in counts)

    def _learn(self, data: bytes) -> None:
        self._head = None
        names, names_end = _read_names(data)
        positions, end = doubles_end(data, aligned(names_end, COUNT.size))
        velocities, end = doubles_end(data, end)
        _, end = doubles_end(data, end)  # efforts
        count = len(names)
        if not count or positions != count or velocities != count:
            raise SensorError(
                f"joint_states must hold {count or 'some'} positions and velocities, "
                f"got {positions} and {velocities}; let the driver publish both"
            )
        if end > len(data):
            raise ValueError(f"{end} bytes are wanted, {len(data)} came")
        self.names, self._length, self._names_end = names, len(data), names_end
        self._layout = _layout_behind(names_end, count)
        self._head = data[NAME:names_end]


def _read_names(data: bytes) -> tuple[list[str], int]:
    _, offset = read_string(data, NAME - COUNT.size)
    offset = aligned(offset, COUNT.size)
    (count,) = COUNT.unpack_from(data, offset)
    offset += COUNT.size
    names = []
    for _ in range(count):
        name, offset = read_string(data, aligned(offset, COUNT.size))
        names.append(name)
    return names, offset


class NamedJointReader:
    """Picks named joints out of JointState messages, whatever order they come in."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._reader = JointStateReader()
        self._message_names: list[str] = []
        self._indices = np.zeros(0, np.intp)

    def read(self, data: bytes) -> tuple[int, FloatArray, FloatArray]:
        """Stamp [ns], positions (n,) and velocities (n,) [rad, rad/s or m, m/s], in the order of the names.

        Raises:
            SensorError: the message is malformed, or lacks a joint, a position or a velocity.
        """
        stamp_ns, position, velocity = self._reader.read(data)
        if self._reader.names is not self._message_names:
            self._find(self._reader.names)
        return stamp_ns, position[self._indices], velocity[self._indices]

    def _find(self, names: list[str]) -> None:
        missing = [name for name in self._names if name not in names]
        if missing:
            raise SensorError(f"joint_states lacks {missing[0]!r}, it has {', '.join(names) or 'none'}; name it so")
        self._indices = np.array([names.index(name) for name in self._names], np.intp)
        self._message_names = names


class JointStateWriter:
    """Fills one JointState, without efforts, again and again; `frame_id` is of its header."""

    def __init__(self, frame_id: str, names: Sequence[str]) -> None:
        data = padded(header(frame_id), COUNT.size) + COUNT.pack(len(names))
        for name in names:
            text = name.encode() + b"\0"
            data = padded(data, COUNT.size) + COUNT.pack(len(text)) + text
        layout = _layout_behind(len(data), len(names))
        numbers = bytes(DOUBLE * len(names))
        for _ in range(2):
            data = padded(padded(data, COUNT.size) + COUNT.pack(len(names)), DOUBLE) + numbers
        self._data = bytearray(data + COUNT.pack(0))
        self._position = slice(layout.position, layout.position + len(numbers))
        self._velocity = slice(layout.velocity, layout.velocity + len(numbers))

    def write(self, t_ns: int, position: FloatArray, velocity: FloatArray) -> bytes:
        """The message of a state.

        Args:
            t_ns: stamp.
            position: (n,) one for every name [rad or m].
            velocity: (n,) likewise [rad/s or m/s].
        """
        STAMP.pack_into(self._data, BEGIN, *divmod(t_ns, NS_PER_S))
        self._data[self._position] = np.ascontiguousarray(position, "<f8").tobytes()
        self._data[self._velocity] = np.ascontiguousarray(velocity, "<f8").tobytes()
        return bytes(self._data)
