"""One stream of samples: checked, put in order, counted, and known to be fresh or stale.

Two clocks meet here. Header stamps say when a sample was measured and order the samples; they may
be wrong. Receive times come from this machine's monotonic clock and alone decide whether a stream
still lives. The largest `stamp - receive` seen maps one on the other (the sample that travelled fastest).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from autoglm_embodied.align.ring import Placement, Ring
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray, require_finite


@dataclass
class Counts:
    """What became of the samples of a stream."""

    received: int = 0
    late: int = 0  # came out of order and were put in order
    duplicates: int = 0
    refused: int = 0  # wrong shape, NaN, or a stamp that cannot be
    restarts: int = 0  # the sender's clock was set anew


class Stream:
    """A ring with a gate in front of it."""

    def __init__(
        self, name: str, capacity: int, shape: tuple[int, ...], clock_jump_ns: int, dtype: DTypeLike = np.float64
    ) -> None:
        self.name = name
        self.ring = Ring(capacity, shape, dtype)
        self.counts = Counts()
        self._shape = shape
        self._clock_jump_ns = clock_jump_ns
        self._newest_receive_ns = 0
        self._offset_ns = 0

    def push(self, stamp_ns: int, receive_ns: int, value: FloatArray) -> bool:
        """Take a sample; False where its stamp made it useless.

        A stamp more than `clock_jump_ns` behind the newest, or ahead of what its receive time allows, is
        refused, until nothing else has come for as long: then the sender's clock was set anew and the stream restarts.

        Raises:
            SensorError: the sample has the wrong shape or is not finite.
        """
        self.counts.received += 1
        try:
            require_finite(self.name, value, self._shape)
        except SensorError:
            self.counts.refused += 1
            raise
        if not self._plausible(stamp_ns, receive_ns):
            if receive_ns - self._newest_receive_ns <= self._clock_jump_ns:
                self.counts.refused += 1
                return False
            self.counts.restarts += 1
            self.ring.clear()
        return self._place(stamp_ns, receive_ns, value)

    def fresh(self, t_ns: int, now_receive_ns: int | None, limit_ns: int) -> bool:
        """Whether the newest sample came at most `limit_ns` ago; by its stamp where there is no receive clock."""
        if not len(self.ring):
            return False
        if now_receive_ns is None:
            return t_ns - int(self.ring.stamps_ns[-1]) <= limit_ns
        return now_receive_ns - self._newest_receive_ns <= limit_ns

    def _plausible(self, stamp_ns: int, receive_ns: int) -> bool:
        if not len(self.ring):
            return True
        ahead_ns = stamp_ns - receive_ns - self._offset_ns
        behind_ns = int(self.ring.stamps_ns[-1]) - stamp_ns
        return max(ahead_ns, behind_ns) <= self._clock_jump_ns

    def _place(self, stamp_ns: int, receive_ns: int, value: FloatArray) -> bool:
        offset_ns = stamp_ns - receive_ns
        self._offset_ns = max(self._offset_ns, offset_ns) if len(self.ring) else offset_ns
        match self.ring.push(stamp_ns, value):
            case Placement.NEWEST:
                self._newest_receive_ns = receive_ns
                return True
            case Placement.LATE:
                self.counts.late += 1
                return True
            case Placement.DUPLICATE:
                self.counts.duplicates += 1
            case Placement.TOO_OLD:
                self.counts.refused += 1
        return False
