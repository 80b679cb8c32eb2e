"""The newest samples of one stream, in the order of their stamps, in memory taken once."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autoglm_embodied.types import FloatArray


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
    """

    def __init__(self, capacity: int, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> None:
        self.capacity = capacity
        self._stamps = np.zeros(2 * capacity, np.int64)
        self._values = np.zeros((2 * capacity, *shape), dtype)
        self._begin = 0
        self._end = 0

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """(n,) stamps, newest last; a view."""
        return self._stamps[self._begin : self._end]

    @property
    def values(self) -> FloatArray:
        """(n, *shape) samples, newest last; a view."""
        return self._values[self._begin : self._end]

    def clear(self) -> None:
        """Forget all samples."""
        self._begin = self._end = 0

    def push(self, stamp_ns: int, value: FloatArray) -> Placement:
        """Put a sample (of the ring's shape) where its stamp belongs."""
        if not len(self) or stamp_ns > self._stamps[self._end - 1]:
            self._make_room()
            self._write(self._end, stamp_ns, value)
            self._end += 1
            self._begin = max(self._begin, self._end - self.capacity)
            return Placement.NEWEST
        return self._insert(stamp_ns, value)

    def _insert(self, stamp_ns: int, value: FloatArray) -> Placement:
        place = self._begin + int(np.searchsorted(self.stamps_ns, stamp_ns))
        if self._stamps[place] == stamp_ns:
            return Placement.DUPLICATE
        if place == self._begin and len(self) == self.capacity:
            return Placement.TOO_OLD
        moved = self._make_room()
        place -= moved
        for rows in (self._stamps, self._values):
            rows[place + 1 : self._end + 1] = rows[place : self._end]
        self._write(place, stamp_ns, value)
        self._end += 1
        self._begin = max(self._begin, self._end - self.capacity)
        return Placement.LATE

    def _write(self, row: int, stamp_ns: int, value: FloatArray) -> None:
        self._stamps[row] = stamp_ns
        self._values[row] = value

    def _make_room(self) -> int:
        """Move the samples to the front if the memory is full; returns by how many rows."""
        if self._end < len(self._stamps):
            return 0
        moved, kept = self._begin, len(self)
        for rows in (self._stamps, self._values):
            rows[:kept] = rows[self._begin : self._end]
        self._begin, self._end = 0, kept
        return moved
