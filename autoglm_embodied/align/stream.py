"""One stream of samples: the newest in a ring in the order of their stamps, checked, counted, fresh or stale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autoglm_embodied.align.clock import ClockMap
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray, require_finite


class Placement(Enum):
    """Where a pushed sample went."""

    NEWEST = "newest"
    LATE = "late"  # put in order between older ones
    DUPLICATE = "duplicate"  # its stamp was there already; dropped
    TOO_OLD = "too old"  # before all that a full ring keeps; dropped


class Ring:
    """A bounded buffer whose samples lie contiguously, so that a window is a view.

    Rows are written behind each other into memory of twice the capacity; at its end the newest
    `capacity` rows move to the front. A push is amortised O(1), a late one O(samples newer than it).

    Attributes:
        begin, end: the rows of memory that hold samples, for readers that keep something beside each row.
        newest_ns: the last stamp; only where there is one.
    """

    def __init__(self, capacity: int, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> None:
        self.capacity = capacity
        self._rows = 2 * capacity
        self._stamps = np.zeros(self._rows, np.int64)
        self._values = np.zeros((self._rows, *shape), dtype)
        self.begin = 0
        self.end = 0
        self.newest_ns = 0
        self._changed = 0  # the first row that is not as it was when `take_changed` was last called

    def __len__(self) -> int:
        return self.end - self.begin

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """(n,) stamps, newest last; a view."""
        return self._stamps[self.begin : self.end]

    @property
    def values(self) -> FloatArray:
        """(n, *shape) samples, newest last; a view."""
        return self._values[self.begin : self.end]

    def rows(self, first: int, last: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Stamps and samples of the rows of memory from `first` to before `last`; views."""
        return self._stamps[first:last], self._values[first:last]

    def row_after(self, t_ns: int) -> int:
        """The first row of memory whose sample is later than `t_ns`."""
        if not len(self) or self.newest_ns <= t_ns:
            return self.end
        return self.begin + int(self.stamps_ns.searchsorted(t_ns, side="right"))

    def take_changed(self) -> int:
        """The first row that was written, moved or removed since this was last asked."""
        changed, self._changed = self._changed, self.end
        return changed

    def clear(self) -> None:
        """Forget all samples."""
        self.begin = self.end = self._changed = 0

    def push(self, stamp_ns: int, value: FloatArray) -> Placement:
        """Put a sample (of the ring's shape) where its stamp belongs."""
        end = self.end
        if end > self.begin and stamp_ns <= self.newest_ns:
            return self._insert(stamp_ns, value)
        if end == self._rows:
            self._make_room()
            end = self.end
        self._stamps[end] = stamp_ns
        self._values[end] = value
        self.newest_ns = stamp_ns
        self.end = end + 1
        if self.end - self.begin > self.capacity:
            self.begin += 1
        return Placement.NEWEST

    def _insert(self, stamp_ns: int, value: FloatArray) -> Placement:
        place = self.begin + int(self.stamps_ns.searchsorted(stamp_ns))
        if self._stamps[place] == stamp_ns:
            return Placement.DUPLICATE
        if place == self.begin and len(self) == self.capacity:
            return Placement.TOO_OLD
        if self.end == self._rows:
            place -= self._make_room()
        for rows in (self._stamps, self._values):
            rows[place + 1 : self.end + 1] = rows[place : self.end]
        self._stamps[place] = stamp_ns
        self._values[place] = value
        self._changed = min(self._changed, place)
        self.end += 1
        self.begin = max(self.begin, self.end - self.capacity)
        return Placement.LATE

    def _make_room(self) -> int:
        """Move the samples to the front; returns by how many rows."""
        moved, kept = self.begin, len(self)
        for rows in (self._stamps, self._values):
            rows[:kept] = rows[self.begin : self.end]
        self.begin, self.end, self._changed = 0, kept, 0
        return moved


@dataclass
class Counts:
    """What became of the samples of a stream."""

    received: int = 0
    late: int = 0  # came out of order and were put in order
    duplicates: int = 0
    refused: int = 0  # wrong shape, NaN, too large, or a stamp that cannot be
    restarts: int = 0  # the sender's clock was set anew


class Stream:
    """A ring with a gate in front of it."""

    def __init__(
        self,
        name: str,
        capacity: int,
        shape: tuple[int, ...],
        clock_jump_ns: int,
        dtype: DTypeLike = np.float64,
        largest: float = math.inf,
    ) -> None:
        """Take memory for `capacity` samples; a number beyond `largest`, either way, is no measurement."""
        self.name = name
        self.ring = Ring(capacity, shape, dtype)
        self.counts = Counts()
        self.clock = ClockMap()
        self._shape = shape
        self._clock_jump_ns = clock_jump_ns
        self._largest = largest
        self._newest_receive_ns = 0

    def push(self, stamp_ns: int, receive_ns: int, value: FloatArray) -> bool:
        """Take a sample; False where its stamp made it useless.

        A stamp more than `clock_jump_ns` behind the newest, or ahead of what its receive time allows, is
        refused, until nothing else has come for as long: then the sender's clock was set anew and the stream restarts.

        Raises:
            SensorError: the sample has the wrong shape, is not finite or too large.
        """
        counts = self.counts
        counts.received += 1
        if not self._usable(value):
            counts.refused += 1
            require_finite(self.name, value, self._shape)
            raise SensorError(f"{self.name} must be within ±{self._largest:g}, got {np.abs(value).max():g}")
        if not self._plausible(stamp_ns, receive_ns):
            if receive_ns - self._newest_receive_ns <= self._clock_jump_ns:
                counts.refused += 1
                return False
            counts.restarts += 1
            self.ring.clear()
            self.clock.clear()
        self.clock.note(stamp_ns, receive_ns)
        placement = self.ring.push(stamp_ns, value)
        if placement is Placement.NEWEST:
            self._newest_receive_ns = receive_ns
            return True
        return self._count_misplaced(placement)

    def fresh(self, t_ns: int, now_receive_ns: int | None, limit_ns: int) -> bool:
        """Whether the newest sample came at most `limit_ns` ago; by its stamp where there is no receive clock."""
        if not len(self.ring):
            return False
        if now_receive_ns is None:
            return t_ns - self.ring.newest_ns <= limit_ns
        return now_receive_ns - self._newest_receive_ns <= limit_ns

    def _usable(self, value: FloatArray) -> bool:
        if value.shape != self._shape:
            return False
        if value.ndim == 1 and sum(map(abs, value.tolist())) < self._largest:  # of a few numbers faster than numpy
            return True
        return bool(np.isfinite(value).all() and np.abs(value).max() <= self._largest)

    def _plausible(self, stamp_ns: int, receive_ns: int) -> bool:
        largest_ns = self.clock.largest_ns
        if largest_ns is None or not len(self.ring):
            return True
        if stamp_ns - receive_ns - largest_ns > self._clock_jump_ns:
            return False
        return self.ring.newest_ns - stamp_ns <= self._clock_jump_ns

    def _count_misplaced(self, placement: Placement) -> bool:
        match placement:
            case Placement.LATE:
                self.counts.late += 1
                return True
            case Placement.DUPLICATE:
                self.counts.duplicates += 1
            case _:
                self.counts.refused += 1
        return False
