"""Mean, deviation and slope of any window from running sums: each sample is added once, whatever windows hold it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray

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
