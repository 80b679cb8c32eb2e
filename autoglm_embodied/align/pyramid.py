"""The wrench at several time scales: a tap shows in the short windows, a sustained load in the long ones.

Mean, deviation and slope are differences of running sums; minimum and maximum use the two stacks of a sliding-window
aggregation (Tangwongsan, Hirzel and Schneider 2017, Low-Latency Sliding-Window Aggregation): each sample is processed
once, however long the windows are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.stream import Ring
from autoglm_embodied.types import FloatArray


class SlidingExtrema:
    """Minima and maxima of windows that all end at the newest row; a minimum is a maximum of the negatives.

    Each window is split in an older part, whose running maxima from every row to the split are kept, and a newer part
    after the split, of which one maximum suffices.

    Args:
        windows: how many windows, S.
        width: how many numbers a row has.
    """

    def __init__(self, windows: int, width: int) -> None:
        self._first = [0] * windows  # row of the older part's first maximum
        self._split = [0] * windows
        self._older: list[FloatArray] = [np.empty((0, 2 * width)) for _ in range(windows)]
        self._newer: FloatArray = np.full((windows, 2 * width), -np.inf)
        self._at_start = np.empty((windows, 2 * width))  # the older part's maxima at the windows' first rows
        self._width = width

    def reset(self) -> None:
        """Forget all rows."""
        self._split = [0] * len(self._split)

    def extend(self, signed: FloatArray) -> None:
        """Add the newest rows (n, 2 width): values, then their negatives."""
        np.maximum(self._newer, np.maximum.reduce(signed), out=self._newer)

    def query(
        self, signed: FloatArray, starts: NDArray[np.int64], end: int, smallest: FloatArray, largest: FloatArray
    ) -> None:
        """Minima and maxima of the windows from `starts` to the newest row.

        Args:
            signed: (rows, 2 width) the memory, values and their negatives.
            starts: (S,) first row of each window.
            end: the row behind the newest.
            smallest, largest: (S, width), filled.
        """
        for window, start in enumerate(starts.tolist()):
            if not self._first[window] <= start < self._split[window]:
                self._rebuild_older(window, signed, start, end)
            self._at_start[window] = self._older[window][start - self._first[window]]
        maxima = np.maximum(self._newer, self._at_start)
        np.negative(maxima[:, self._width :], out=smallest)
        largest[:] = maxima[:, : self._width]

    def _rebuild_older(self, window: int, signed: FloatArray, start: int, end: int) -> None:
        """Move the split to the end: the whole window becomes its older part."""
        self._older[window] = np.maximum.accumulate(signed[start:end][::-1], axis=0)[::-1]
        self._first[window], self._split[window] = start, end
        self._newer[window] = -np.inf


NS_PER_S = 1e9


class RunningSums:
    """Sums over all rows up to each: of the values and the time, of their squares, and of time x values.

    Values are relative to those of the first row and times to its stamp, which keeps differences of sums exact to about
    a millionth of the range of the values over half a minute.

    Args:
        rows: of the memory that is summed over.
        width: how many numbers a row has.
    """

    def __init__(self, rows: int, width: int) -> None:
        self._width = width
        self._sums = np.zeros((rows + 1, 3 * width + 2))  # row r: over the rows before r
        self._origin_ns = 0
        self._origin: FloatArray = np.zeros(width)

    def restart(self, row: int, stamp_ns: int, value: FloatArray) -> None:
        """Begin the sums at a row of the memory, whose stamp and value (width,) become the origin."""
        self._origin_ns, self._origin = stamp_ns, value.copy()
        self._sums[row] = 0.0

    def extend(self, row: int, stamps_ns: NDArray[np.int64], values: FloatArray) -> None:
        """Add the newest rows, from `row` on: stamps (n,) and values (n, width)."""
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
"""Stamps (n,) and samples (n, width) to corrected samples (n, width)."""

MAX_SPAN_NS = 30_000_000_000  # of the running sums, before rounding of the time in them shows


class ForcePyramid:
    """Statistics over several windows of a ring that all end at the same sample.

    What is known of a sample is kept in the row that the sample has in the ring's memory.

    Args:
        ring: of vectors (width,).
        windows_ns: (S,) window lengths, ascending.
        correction: applied once to every sample before the statistics.
    """

    def __init__(self, ring: Ring, windows_ns: tuple[int, ...], correction: Correction) -> None:
        self._ring = ring
        self._correction = correction
        self._windows_ns = np.asarray(windows_ns)
        self._width, rows = ring.values.shape[1], 2 * ring.capacity
        self._sums = RunningSums(rows, self._width)
        self._extrema = SlidingExtrema(len(windows_ns), self._width)
        self._signed = np.empty((rows, 2 * self._width))  # values and their negatives
        self._first = 0  # rows from here to `_end` have been processed
        self._end = 0
        self._first_ns = 0

    def update(self) -> None:
        """Process the samples pushed since the last call."""
        changed = self._ring.take_changed()
        moved = changed < self._end or self._first == self._end
        if moved or self._ring.newest_ns - self._first_ns > MAX_SPAN_NS:
            self._restart(self._ring.row_after(self._ring.newest_ns - int(self._windows_ns[-1])))
        self._extend()

    def samples(self, first: int, last: int) -> FloatArray:
        """The corrected samples (n, width) of the rows from `first` to before `last`; a view."""
        return self._signed[first:last, : self._width]

    def _starts(self, end: int) -> NDArray[np.int64]:
        """(S,) the first row of each window that ends before row `end`; none of them is empty."""
        stamps_ns, _ = self._ring.rows(self._ring.begin, end)
        places: NDArray[np.int64] = stamps_ns.searchsorted(stamps_ns[-1] - self._windows_ns, side="right")
        return places + self._ring.begin

    def statistics(self, end: int) -> tuple[NDArray[np.int64], FloatArray]:
        """First rows (S,) of the windows that end before row `end`, none of them empty, and their statistics.

        These (S, 5, width) are mean, standard deviation, minimum, maximum and slope [per s].
        """
        starts = self._starts(end)
        if starts[-1] < self._first:  # an instant in the past
            self._restart(int(starts[-1]))
            self._extend()
        scales = np.empty((len(starts), 5, self._width))
        mean, deviation, smallest, largest, slope = scales.swapaxes(0, 1)  # views
        self._sums.statistics(starts, end, (mean, deviation, slope))
        if end == self._end:
            self._extrema.query(self._signed, starts, end, smallest, largest)
            return starts, scales
        for window, start in enumerate(starts.tolist()):  # they end before the newest sample
            values = self.samples(start, end)
            smallest[window], largest[window] = values.min(axis=0), values.max(axis=0)
        return starts, scales

    def _restart(self, row: int) -> None:
        self._first = self._end = min(row, self._ring.end - 1)
        stamps_ns, values = self._ring.rows(self._first, self._first + 1)
        self._first_ns = int(stamps_ns[0])
        self._sums.restart(self._first, self._first_ns, self._correction(stamps_ns, values)[0])
        self._extrema.reset()

    def _extend(self) -> None:
        first, end = self._end, self._ring.end
        if first == end:
            return
        stamps_ns, values = self._ring.rows(first, end)
        values = self._correction(stamps_ns, values)
        signed = self._signed[first:end]
        signed[:, : self._width] = values
        np.negative(values, out=signed[:, self._width :])
        self._sums.extend(first, stamps_ns, values)
        self._extrema.extend(signed)
        self._end = end
