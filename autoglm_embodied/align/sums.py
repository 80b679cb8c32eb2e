"""Mean, deviation and slope of any window from running sums: each sample is added once, whatever windows hold it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray

NS_PER_S = 1e9


class RunningSums:
    """Sums over all rows of memory up to each: of values, squares, time x values, time and time squared.

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
        time_s = (stamps_ns - self._origin_ns)[:, None] / NS_PER_S
        shifted = np.subtract(values, self._origin, out=terms[:, :width])
        np.multiply(shifted, shifted, out=terms[:, width : 2 * width])
        np.multiply(shifted, time_s, out=terms[:, 2 * width : 3 * width])
        terms[:, -2:-1] = time_s
        np.multiply(time_s, time_s, out=terms[:, -1:])
        np.cumsum(self._sums[row : end + 1], axis=0, out=self._sums[row : end + 1])

    def statistics(self, starts: NDArray[np.int64], end: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean, standard deviation and least-squares slope [per s], each (S, width), of the S windows up to `end`."""
        width, count = self._width, (end - starts)[:, None]  # (S, 1)
        total = self._sums[end] - self._sums[starts]
        total /= count
        mean, time_s = total[:, :width], total[:, -2:-1]
        deviation = total[:, width : 2 * width] - mean * mean
        np.sqrt(np.maximum(deviation, 0.0, out=deviation), out=deviation)
        spread = total[:, -1:] - time_s * time_s
        slope = total[:, 2 * width : 3 * width] - time_s * mean
        if (lone := count == 1).any():  # a lone sample has neither deviation nor slope
            spread[lone] = 1.0
            deviation[lone[:, 0]] = slope[lone[:, 0]] = 0.0
        slope /= spread
        return mean + self._origin, deviation, slope
