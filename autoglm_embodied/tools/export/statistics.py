"""Statistics of the columns of a dataset, as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Statistics:
    """Count, least, greatest, mean and deviation of each element of named arrays, without those that are NaN."""

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {}  # (5, ...): count, least, greatest, sum, sum of squares

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Take arrays (n, ...) of one shape."""
        values = values.astype(np.float64)
        known = ~np.isnan(values)
        zeroed = np.where(known, values, 0.0)
        least, most = np.where(known, values, np.inf).min(0), np.where(known, values, -np.inf).max(0)
        new = np.stack([known.sum(0), least, most, zeroed.sum(0), (zeroed**2).sum(0)])
        old = self._sums.get(name, new * np.array([0, 1, 1, 0, 0]).reshape(5, *[1] * (new.ndim - 1)))
        ends = np.minimum(old[1], new[1])[None], np.maximum(old[2], new[2])[None]
        self._sums[name] = np.concatenate([old[:1] + new[:1], *ends, old[3:] + new[3:]])

    def values(self) -> dict[str, dict[str, Any]]:
        """Those of every array of which each element was there at some time."""
        found = {}
        for name, (count, least, most, total, squares) in self._sums.items():
            if count.all():
                mean = total / count
                deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
                each = {"min": least, "max": most, "mean": mean, "std": deviation}
                found[name] = {key: np.atleast_1d(value).tolist() for key, value in each.items()}
                found[name]["count"] = [int(count.min())]
        return found
