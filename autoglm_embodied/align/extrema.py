"""Minimum and maximum over windows that slide: each sample is compared a fixed number of times, whatever their length.

A window is split at a row. The older part keeps, for each of its rows, the maximum from there to the split; the newer
part keeps one running maximum. When the window has left the older part behind, all of it becomes the older part (the
two-stack queue of Tangwongsan, Hirzel and Schneider 2015, General Incremental Sliding-Window Aggregation, section 2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
