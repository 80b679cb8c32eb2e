"""One sensor stream: the newest samples in a ring buffer ordered by stamp, validated, counted, fresh or stale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autoglm_embodied.align.clock import ClockOffsetEstimator
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray, require_finite

NS_PER_S = 1e9


class Placement(Enum):
    """Where a pushed sample was inserted."""

    NEWEST = "newest"
    LATE = "late"  # out of order, inserted between older samples
    DUPLICATE = "duplicate"  # of a stamp already held; dropped
    TOO_OLD = "too old"  # older than all samples of a full ring; dropped


class Ring:
    """A bounded buffer that keeps its samples contiguous in memory, so that a window is a view.

    Rows are appended to memory of twice the capacity; at its end the newest `capacity` rows move to the front. A push
    is amortised O(1), a late one O(samples newer than it).

    Args:
        capacity: number of samples kept.
        shape, dtype: of one sample.

    Attributes:
        begin, end: the rows of memory that hold samples, for readers that keep results beside each row.
        newest_ns: the newest stamp; meaningless in an empty ring.
    """

    def __init__(self, capacity: int, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> None:
        self.capacity = capacity
        self._rows = 2 * capacity
        self._stamps = np.zeros(self._rows, np.int64)
        self._values = np.zeros((self._rows, *shape), dtype)
        self.begin = 0
        self.end = 0
        self.newest_ns = 0
        self._changed = 0  # first row written, moved or removed since the last `take_changed`

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
        """Stamps (n,) and samples (n, *shape) of the rows of memory from `first` to before `last`; views."""
        return self._stamps[first:last], self._values[first:last]

    def row_after(self, t_ns: int) -> int:
        """The first row of memory whose stamp is later than `t_ns`."""
        if not len(self) or self.newest_ns <= t_ns:
            return self.end
        return self.begin + int(self.stamps_ns.searchsorted(t_ns, side="right"))

    def take_changed(self) -> int:
        """The first row written, moved or removed since the last call."""
        changed, self._changed = self._changed, self.end
        return changed

    def clear(self) -> None:
        """Remove all samples."""
        self.begin = self.end = self._changed = 0

    def push(self, stamp_ns: int, value: FloatArray) -> Placement:
        """Insert a sample of the ring's shape in the order of the stamps."""
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

    def grow(self) -> None:
        """Double the capacity; the samples move to other rows."""
        self._make_room()
        self.capacity, self._rows = 2 * self.capacity, 2 * self._rows
        self._stamps = np.concatenate((self._stamps, np.zeros_like(self._stamps)))
        self._values = np.concatenate((self._values, np.zeros_like(self._values)))

    def _make_room(self) -> int:
        """Move the samples to the front; returns by how many rows."""
        moved, kept = self.begin, len(self)
        for rows in (self._stamps, self._values):
            rows[:kept] = rows[self.begin : self.end]
        self.begin, self.end, self._changed = 0, kept, 0
        return moved


@dataclass
class SampleCounts:
    """How many samples of a stream were received, and how many of them were not in order or not taken."""

    received: int = 0
    late: int = 0  # out of order, reinserted
    duplicates: int = 0
    rejected: int = 0  # wrong shape, NaN, too large, or an implausible stamp
    restarts: int = 0  # the sender's clock was set


class Stream:
    """A ring buffer that validates samples before it takes them.

    Args:
        name: of the stream, for errors.
        ring: takes the samples.
        clock_jump_ns: largest plausible jump of a stamp; see `push`.
        max_abs: largest plausible absolute value of any number of a sample.
    """

    def __init__(self, name: str, ring: Ring, clock_jump_ns: int, max_abs: float = math.inf) -> None:
        self.name = name
        self.ring = ring
        self.counts = SampleCounts()
        self.mapped_ns = 0  # by which the last instant was moved to meet the stamps
        self.clock = ClockOffsetEstimator()
        self._shape = ring.values.shape[1:]
        self._clock_jump_ns = clock_jump_ns
        self._max_abs = max_abs
        self._newest_receive_ns = 0
        self._refused = (0, "")  # the last stamp that was not taken: when it came, and why not

    def push(self, stamp_ns: int, receive_ns: int, value: FloatArray) -> bool:
        """Validate and insert a sample; whether it was. SensorError if it is of another shape, not finite or too large.

        A stamp more than `clock_jump_ns` behind the newest, or ahead of what its receive time allows, is rejected. If
        nothing plausible is received for as long, the sender's clock was set: the stream restarts with the new stamps.
        """
        counts = self.counts
        counts.received += 1
        if not self._valid(value):
            counts.rejected += 1
            require_finite(self.name, value, self._shape)
            raise SensorError(f"{self.name} must be within ±{self._max_abs:g}, got {np.abs(value).max():g}")
        if not self._plausible(stamp_ns, receive_ns):
            if receive_ns - self._newest_receive_ns <= self._clock_jump_ns:
                counts.rejected += 1
                jump_s = (stamp_ns - receive_ns - (self.ring.newest_ns - self._newest_receive_ns)) / NS_PER_S
                self._refused = (
                    receive_ns,
                    f"its stamps jumped by {jump_s:.3g} s; they are taken once that lasted a second",
                )
                return False
            counts.restarts += 1
            self.ring.clear()
            self.clock.clear()
        self.clock.add(stamp_ns, receive_ns)
        placement = self.ring.push(stamp_ns, value)
        if placement is Placement.NEWEST:
            self._newest_receive_ns = receive_ns
            return True
        counts.late += placement is Placement.LATE
        counts.duplicates += placement is Placement.DUPLICATE
        counts.rejected += placement is Placement.TOO_OLD
        if placement is Placement.DUPLICATE:
            self._refused = (
                receive_ns,
                "its stamps do not advance; let the driver stamp every message with its own time",
            )
        return placement is Placement.LATE

    def fresh(self, t_ns: int, now_receive_ns: int | None, limit_ns: int) -> bool:
        """Whether the newest sample is at most `limit_ns` old at `now_receive_ns`, by its stamp at `t_ns` if None."""
        if not len(self.ring):
            return False
        if now_receive_ns is None:
            return t_ns - self.ring.newest_ns <= limit_ns
        return now_receive_ns - self._newest_receive_ns <= limit_ns

    def instant_ns(self, t_ns: int, now_receive_ns: int | None, settings: AlignSettings) -> int:
        """The tick `t_ns` on this stream's clock: the same unless that is off and the settings let it be mapped."""
        self.mapped_ns = 0
        if not settings.map_clocks or now_receive_ns is None or not len(self.ring):
            return t_ns
        mapped_ns = self.clock.stamp_ns(now_receive_ns)
        if not -settings.ahead_limit_ns <= t_ns - mapped_ns <= settings.late_limit_ns:
            self.mapped_ns = mapped_ns - t_ns
        return t_ns + self.mapped_ns

    def absence(self, t_ns: int, now_receive_ns: int | None, limit_ns: int, settings: AlignSettings) -> str:
        """Why there is nothing to be used at an instant, its kind before a colon; empty if there is.

        Args:
            t_ns: the instant on this stream's clock.
            now_receive_ns: the same on the monotonic clock; None for a recording.
            limit_ns: since the newest sample.
            settings: how far the newest stamp may be from the instant.
        """
        if not self.fresh(t_ns, now_receive_ns, limit_ns):
            refused_ns, why = self._refused
            if why and now_receive_ns is not None and now_receive_ns - refused_ns <= limit_ns:
                return f"stamps: {why}"
            ago = f" for {limit_ns / 1e6:.0f} ms" if len(self.ring) else ""
            return f"silent: no {self.name} came{ago}; check that the driver runs"
        if now_receive_ns is None:
            return ""
        ahead_ns = self.ring.newest_ns - self._newest_receive_ns - (t_ns - now_receive_ns)
        late_ns = t_ns - self.ring.newest_ns
        if ahead_ns <= settings.ahead_limit_ns and late_ns <= settings.late_limit_ns:
            return ""
        off = f"{ahead_ns / NS_PER_S:.3g} s ahead" if ahead_ns > 0 else f"{late_ns / NS_PER_S:.3g} s behind"
        return (
            f"clock: its stamps are {off}; set its driver's clock (use_sim_time, chrony), or let align.map_clocks "
            "place them by their time of receipt"
        )

    def _valid(self, value: FloatArray) -> bool:
        if value.shape != self._shape:
            return False
        if value.ndim == 1 and sum(map(abs, value.tolist())) < self._max_abs:  # faster than numpy for a few numbers
            return True
        return bool(np.isfinite(value).all() and np.abs(value).max() <= self._max_abs)

    def _plausible(self, stamp_ns: int, receive_ns: int) -> bool:
        largest_ns = self.clock.largest_ns
        if largest_ns is None or not len(self.ring):
            return True
        if stamp_ns - receive_ns - largest_ns > self._clock_jump_ns:
            return False
        return self.ring.newest_ns - stamp_ns <= self._clock_jump_ns
