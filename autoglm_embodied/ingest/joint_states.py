"""JointState messages: read from and written to their wire form, and named joints picked out of them and merged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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

MS = 1_000_000
APART_NS = 250 * MS  # between the joints of one state, at most
EXTRAPOLATED_NS = 50 * MS  # by its own velocity a joint is brought to another's stamp, at most
DIFFERENTIATED_NS = 20 * MS  # least time between two positions whose difference is a velocity, above encoder noise
NEVER = -(2**62)
MAX_NAMED = 12  # joints in an error


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
        self._length = self._velocities = 0

    def read(self, data: bytes) -> tuple[int, FloatArray, FloatArray]:
        """Stamp [ns], positions (n,) and velocities (n,) [rad, rad/s or m, m/s], one for each of `names`.

        Without velocities in the message they are NaN.

        Raises:
            SensorError: the message is malformed, or has positions or velocities for only a part of the joints.
        """
        try:
            data = little_endian(data, JOINT_STATE_FIELDS)
            if not self._known(data):
                self._learn(data)
            layout, count = self._layout, len(self.names)
            position = np.frombuffer(data, "<f8", count, layout.position)
            if not self._velocities:
                return read_stamp_ns(data), position, np.full(count, np.nan)
            return read_stamp_ns(data), position, np.frombuffer(data, "<f8", count, layout.velocity)
        except MALFORMED as error:
            raise unreadable(error) from error

    def _known(self, data: bytes) -> bool:
        if self._head is None or len(data) != self._length or data[NAME : self._names_end] != self._head:
            return False
        (positions,) = COUNT.unpack_from(data, self._layout.position_count)
        (velocities,) = COUNT.unpack_from(data, self._layout.velocity_count)
        return bool(positions == len(self.names) and velocities == self._velocities)

    def _learn(self, data: bytes) -> None:
        self._head = None
        names, names_end = _read_names(data)
        positions, end = doubles_end(data, aligned(names_end, COUNT.size))
        velocities, end = doubles_end(data, end)
        _, end = doubles_end(data, end)  # efforts
        count = len(names)
        if not count or positions != count or velocities not in (0, count):
            raise SensorError(
                f"joint_states must hold {count or 'some'} positions and velocities, "
                f"got {positions} and {velocities}; let the driver publish both"
            )
        if end > len(data):
            raise ValueError(f"{end} bytes are wanted, {len(data)} came")
        self.names, self._length, self._names_end = names, len(data), names_end
        self._layout, self._velocities = _layout_behind(names_end, count), velocities
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
    """Picks named joints out of JointState messages, in whatever order and however many messages they come.

    A message with all of them is a state as it stands. Where they come in several, that with the first joint makes the
    state, to whose stamp the others are brought. Velocities that do not come are those of the positions.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._reader = JointStateReader()
        self._message_names: list[str] = []
        self._seen: dict[str, None] = {}  # all names that came
        self._groups: dict[tuple[str, ...], int] = {}
        self.group = 0  # a number for the names of the last message: each publisher has its own
        self._joints = self._indices = np.zeros(0, np.intp)  # which joints a message has, and where
        self._merged = _MergedJoints(len(self._names))
        self._whole = False  # whether it has all of them
        self._whole_ns = NEVER  # stamp of the newest such message
        self._lacking_since_ns: int | None = None

    def read(self, data: bytes) -> tuple[int, FloatArray, FloatArray] | None:
        """Stamp [ns], positions (n,) and velocities (n,) [rad, rad/s or m, m/s], in the order of the names.

        None: the message makes no state, being of other joints, or of a part of them.

        Raises:
            SensorError: the message is malformed, or a joint does not come, or has no position.
        """
        stamp_ns, position, velocity = self._reader.read(data)
        if self._reader.names is not self._message_names:
            self._find(self._reader.names)
        position, velocity = position[self._indices], velocity[self._indices]
        if self._whole and not any(map(math.isnan, velocity.tolist())):
            self._whole_ns = stamp_ns
            return stamp_ns, position, velocity
        return self._merge(stamp_ns, position, velocity)

    def _find(self, names: list[str]) -> None:
        known = [name for name in self._names if name in names]
        repeated = [name for name in known if names.count(name) > 1]
        if repeated:
            raise SensorError(f"joint_states must hold {repeated[0]!r} once, got it twice; check what publishes it")
        self._joints = np.array([self._names.index(name) for name in known], np.intp)
        self._indices = np.array([names.index(name) for name in known], np.intp)
        self._message_names, self._whole = names, len(known) == len(self._names)
        self.group = self._groups.setdefault(tuple(names), len(self._groups))
        self._seen |= dict.fromkeys(names)

    def _merge(
        self, stamp_ns: int, position: FloatArray, velocity: FloatArray
    ) -> tuple[int, FloatArray, FloatArray] | None:
        if abs(stamp_ns - self._whole_ns) <= APART_NS:
            return None  # whole messages come, too
        if not np.isfinite(position).all():
            name = self._names[self._joints[np.flatnonzero(~np.isfinite(position))[0]]]
            raise SensorError(f"the position of {name!r} in joint_states must be finite; check its encoder and driver")
        self._merged.update(self._joints, stamp_ns, position, velocity)
        leads = bool(len(self._joints)) and self._joints[0] == 0
        age_ns = stamp_ns - self._merged.stamps_ns
        absent = np.flatnonzero(np.abs(age_ns) > APART_NS)
        if not len(absent):
            self._lacking_since_ns = None
            return self._merged.state(stamp_ns) if leads else None
        if leads or absent[0] == 0:
            self._raise_if_lacking(stamp_ns, self._names[absent[0]], int(age_ns[absent[0]]))
        return None

    def _raise_if_lacking(self, stamp_ns: int, name: str, age_ns: int) -> None:
        """Raise SensorError about a joint that is absent, unless it may yet come."""
        if self._lacking_since_ns is None:
            self._lacking_since_ns = stamp_ns
        if abs(stamp_ns - self._lacking_since_ns) <= APART_NS:
            return
        if name not in self._seen:
            raise SensorError(
                f"joint_states never bring {name!r}, only {', '.join(list(self._seen)[:MAX_NAMED])}; let its driver "
                "publish it there, or name it in the robot's file as the driver does"
            )
        late = f"{abs(age_ns) / NS_PER_S:.3g} s {'before' if age_ns > 0 else 'after'} {self._message_names[0]!r}"
        raise SensorError(
            f"joint_states bring {name!r} stamped {late}, at most {APART_NS / NS_PER_S:g} s are allowed; "
            "let its driver publish more often, and by the same clock"
        )


class _MergedJoints:
    """The newest position and velocity of each of n joints, with stamps of their own."""

    def __init__(self, joints: int) -> None:
        self.stamps_ns = np.full(joints, NEVER)
        self._position = np.zeros(joints)
        self._velocity = np.full(joints, np.nan)
        self._marks_ns, self._marks = np.full((2, joints), NEVER), np.zeros((2, joints))  # the older, then the newer

    def update(self, joints: NDArray[np.intp], stamp_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Take what a message holds, unless it repeats or is older than the one before.

        Args:
            joints: (k,) which ones it has.
            stamp_ns: of the message.
            position: (k,) [rad or m].
            velocity: (k,) likewise a second; NaN where it is not told.
        """
        gap_ns = stamp_ns - self.stamps_ns[joints]
        if ((-APART_NS <= gap_ns) & (gap_ns <= 0)).any():
            return
        self._marks_ns[:, joints[np.abs(gap_ns) > APART_NS]] = NEVER  # it was silent, or its clock was set
        self.stamps_ns[joints], self._position[joints] = stamp_ns, position
        due = joints[stamp_ns - self._marks_ns[1, joints] >= DIFFERENTIATED_NS]
        self._marks_ns[0, due], self._marks[0, due] = self._marks_ns[1, due], self._marks[1, due]
        self._marks_ns[1, due], self._marks[1, due] = stamp_ns, self._position[due]
        begin_ns = self._marks_ns[0, joints]
        slope = (position - self._marks[0, joints]) * NS_PER_S / (stamp_ns - begin_ns)
        slope[begin_ns == NEVER] = np.nan
        self._velocity[joints] = np.where(np.isfinite(velocity), velocity, slope)

    def state(self, stamp_ns: int) -> tuple[int, FloatArray, FloatArray] | None:
        """A stamp [ns], positions (n,) there and velocities (n,); None while a velocity is not known."""
        if np.isnan(self._velocity).any():
            return None
        ahead_ns = np.clip(stamp_ns - self.stamps_ns, -EXTRAPOLATED_NS, EXTRAPOLATED_NS)
        return stamp_ns, self._position + self._velocity * ahead_ns / NS_PER_S, self._velocity.copy()


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
