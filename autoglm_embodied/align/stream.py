"""One stream of samples: checked, put in order, counted, and known to be fresh or stale.

Two clocks meet here. Header stamps say when a sample was measured and order the samples; they may
be wrong. Receive times come from this machine's monotonic clock and alone decide whether a stream
still lives. `clock` holds how the one runs against the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from autoglm_embodied.align.clock import ClockMap
from autoglm_embodied.align.ring import Placement, Ring
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray, require_finite


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
