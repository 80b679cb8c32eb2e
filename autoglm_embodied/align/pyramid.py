"""The wrench seen at several time scales at once: a tap shows in the short windows, a load in the long ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.extrema import SlidingExtrema
from autoglm_embodied.align.ring import Ring
from autoglm_embodied.align.sums import RunningSums
from autoglm_embodied.types import FloatArray

Correction = Callable[[NDArray[np.int64], FloatArray], FloatArray]

LONGEST_SPAN_NS = 30_000_000_000  # of the running sums, before the time in them grows too large to tell windows apart


class Pyramid:
    """Statistics over windows of a ring that all end at its newest sample; every sample is worked on once.

    It keeps what it knows of a sample in the row that the sample has in the ring's memory.
    """

    def __init__(self, ring: Ring, windows_ns: tuple[int, ...], corrected: Correction) -> None:
        """Watch a ring.

        Args:
            ring: of vectors (width,).
            windows_ns: S lengths, growing.
            corrected: turns stamps (n,) and samples (n, width) into what the statistics are of.
        """
        self._ring = ring
        self._corrected = corrected
        self._windows_ns = np.asarray(windows_ns)
        self._width, rows = ring.values.shape[1], 2 * ring.capacity
        self._sums = RunningSums(rows, self._width)
        self._extrema = SlidingExtrema(len(windows_ns), self._width)
        self._both = np.empty((rows, 2 * self._width))  # values and their negatives
        self._first = 0  # the rows from here to `_end` are known
        self._end = 0
        self._first_ns = 0

    def update(self) -> None:
        """Work on the samples that came since the last call."""
        changed = self._ring.take_changed()
        moved = changed < self._end or self._first == self._end
        if moved or self._ring.newest_ns - self._first_ns > LONGEST_SPAN_NS:
            self._begin(self._ring.row_after(self._ring.newest_ns - int(self._windows_ns[-1])))
        self._extend()

    def samples(self, first: int, last: int) -> FloatArray:
        """The corrected samples of the rows of memory from `first` to before `last`; a view."""
        return self._both[first:last, : self._width]

    def _starts(self, end: int) -> NDArray[np.int64]:
        """(S,) the first row of each window that ends before row `end`; none of them is empty."""
        stamps_ns, _ = self._ring.rows(self._ring.begin, end)
        places: NDArray[np.int64] = stamps_ns.searchsorted(stamps_ns[-1] - self._windows_ns, side="right")
        return places + self._ring.begin

    def statistics(self, end: int) -> tuple[NDArray[np.int64], FloatArray]:
        """The windows that end before row `end` of the ring's memory, which must hold a sample.

        Returns:
            (S,) their first rows, and (S, 5, 6) mean, standard deviation, minimum, maximum, slope [per s].
        """
        starts = self._starts(end)
        if starts[-1] < self._first:  # an instant in the past
            self._begin(int(starts[-1]))
            self._extend()
        scales = np.empty((len(starts), 5, self._width))
        mean, deviation, smallest, largest, slope = scales.swapaxes(0, 1)  # views
        self._sums.statistics(starts, end, (mean, deviation, slope))
        if end == self._end:
            self._extrema.query(self._both, starts, end, smallest, largest)
        else:
            self._past_extrema(starts, end, smallest, largest)
        return starts, scales

    def _begin(self, row: int) -> None:
        self._first = self._end = min(row, self._ring.end - 1)
        stamps_ns, values = self._ring.rows(self._first, self._first + 1)
        self._first_ns = int(stamps_ns[0])
        self._sums.begin(self._first, self._first_ns, self._corrected(stamps_ns, values)[0])
        self._extrema.begin()

    def _extend(self) -> None:
        first, end = self._end, self._ring.end
        if first == end:
            return
        stamps_ns, values = self._ring.rows(first, end)
        values = self._corrected(stamps_ns, values)
        both = self._both[first:end]
        both[:, : self._width] = values
        np.negative(values, out=both[:, self._width :])
        self._sums.extend(first, stamps_ns, values)
        self._extrema.extend(both)
        self._end = end

    def _past_extrema(self, starts: NDArray[np.int64], end: int, smallest: FloatArray, largest: FloatArray) -> None:
        """Of windows that end before the newest sample: looked at anew."""
        for window, start in enumerate(starts.tolist()):
            values = self.samples(start, end)
            smallest[window], largest[window] = values.min(axis=0), values.max(axis=0)
