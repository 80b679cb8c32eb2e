"""The wrench at several time scales: a tap shows in the short windows, a load in the long ones.

Mean, deviation and slope come from running sums, minimum and maximum from monotone queues: each sample costs the same,
however long the windows are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.stream import Ring
from autoglm_embodied.types import FloatArray


class SlidingExtrema:
    """Windows over one stretch of memory that all end at its newest row; a minimum is a maximum of the negative."""

    def __init__(self, windows: int, width: int) -> None:
        self._first = [0] * windows  # row of the older part's first maximum
        self._split = [0] * windows
        self._older: list[FloatArray] = [np.empty((0, 2 * width)) for _ in range(windows)]
        self._newer: FloatArray = np.full((windows, 2 * width), -np.inf)
        self._edge = np.empty((windows, 2 * width))  # the older part's maxima at the windows' first rows
        self._width = width

    def begin(self) -> None:
        """Forget all rows."""
        self._first = [0] * len(self._first)
        self._split = [0] * len(self._split)

    def extend(self, both: FloatArray) -> None:
        """Add the newest rows (n, 2 width): values, then their negatives."""
        np.maximum(self._newer, np.maximum.reduce(both), out=self._newer)

    def query(
        self, both: FloatArray, starts: NDArray[np.int64], end: int, smallest: FloatArray, largest: FloatArray
    ) -> None:
        """Minima and maxima of the windows from `starts` (S,) to `end`, the newest row.

        Args:
            both: the memory that the rows count in, (rows, 2 width).
            starts: first row of each window.
            end: the row behind the newest.
            smallest: (S, width), filled.
            largest: (S, width), filled.
        """
        for window, start in enumerate(starts.tolist()):
            if not self._first[window] <= start < self._split[window]:
                self._turn(window, both, start, end)
            self._edge[window] = self._older[window][start - self._first[window]]
        found = np.maximum(self._newer, self._edge)
        np.negative(found[:, self._width :], out=smallest)
        largest[:] = found[:, : self._width]

    def _turn(self, window: int, both: FloatArray, start: int, end: int) -> None:
        """Make all of a window its older part."""
        self._older[window] = np.maximum.accumulate(both[start:end][::-1], axis=0)[::-1]
        self._first[window], self._split[window] = start, end
        self._newer[window] = -np.inf


NS_PER_S = 1e9


class RunningSums:
    """Sums over all rows of memory up to each: of values and time, of their squares, and of time x values.

    Values count from those of the first row and time from its stamp, which keeps the differences of
    sums exact to about a millionth of the spread of the values over half a minute.
    """

    def __init__(self, rows: int, width: int) -> None:
        self._width = width
        self._sums = np.zeros((rows + 1, 3 * width + 2))  # row r: over the rows before r
        self._origin_ns = 0
        self._origin: FloatArray = np.zeros(width)

    def begin(self, row: int, stamp_ns: int, value: FloatArray) -> None:
        """Start anew at a row of memory."""
        self._origin_ns, self._origin = stamp_ns, value.copy()
        self._sums[row] = 0.0

    def extend(self, row: int, stamps_ns: NDArray[np.int64], values: FloatArray) -> None:
        """Add the rows from `row` on: stamps (n,) and values (n, width)."""
        width, end = self._width, row + len(values)
        terms = self._sums[row + 1 : end + 1]  # (n, 3 width + 2), filled in place
        first = terms[:, : width + 1]  # values, time
        np.subtract(values, self._origin, out=first[:, :width])
        np.divide(stamps_ns - self._origin_ns, NS_PER_S, out=first[:, width])
        np.multiply(first, first, out=terms[:, width + 1 : 2 * width + 2])
        np.multiply(first[:, :width], first[:, width:], out=terms[:, 2 * width + 2 :])
        sums = self._sums[row : end + 1]
        sums.cumsum(axis=0, out=sums)

    def statistics(self, starts: NDArray[np.int64], end: int, out: tuple[FloatArray, FloatArray, FloatArray]) -> None:
        """Mean, standard deviation and least-squares slope [per s] of the S windows up to `end`.

        Args:
            starts: (S,) first row of each; the first window is the shortest.
            end: the row behind the last.
            out: mean, deviation and slope, each (S, width), filled.
        """
        (mean, deviation, slope), width = out, self._width
        count = (end - starts)[:, None]  # (S, 1)
        total = self._sums[end] - self._sums[starts]
        total /= count
        first = total[:, : width + 1]  # means of values and time
        spread = total[:, width + 1 : 2 * width + 2] - first * first  # their variances
        shifted, time_s = first[:, :width], first[:, width:]
        covariance = total[:, 2 * width + 2 :] - time_s * shifted
        if end - int(starts[0]) == 1:  # a lone sample has neither deviation nor slope
            lone = count[:, 0] == 1
            spread[lone, :width] = covariance[lone] = 0.0
            spread[lone, width] = 1.0
        np.add(shifted, self._origin, out=mean)
        np.sqrt(np.maximum(spread[:, :width], 0.0), out=deviation)
        np.divide(covariance, spread[:, width:], out=slope)


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
