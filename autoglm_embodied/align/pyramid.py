"""The wrench seen at several time scales at once: a tap shows in the short windows, a load in the long ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray

NS_PER_S = 1e9


def pyramid(stamps_ns: NDArray[np.int64], wrench: FloatArray, windows_ns: tuple[int, ...]) -> FloatArray:
    """Statistics over windows that all end at the newest sample.

    Args:
        stamps_ns: (n,) in order, n >= 1.
        wrench: (n, 6) a sample each [N, N·m].
        windows_ns: S lengths.

    Returns:
        (S, 5, 6) mean, standard deviation, minimum, maximum, least-squares slope [per s].
    """
    starts = np.searchsorted(stamps_ns, stamps_ns[-1] - np.asarray(windows_ns), side="right")
    return np.stack([_statistics(stamps_ns[start:], wrench[start:]) for start in starts])


def _statistics(stamps_ns: NDArray[np.int64], wrench: FloatArray) -> FloatArray:
    mean = wrench.mean(axis=0)
    centred = wrench - mean  # (n, 6)
    time_s = (stamps_ns - stamps_ns[0]) / NS_PER_S
    time_s -= time_s.mean()
    spread = time_s @ time_s
    slope = time_s @ centred / spread if spread > 0.0 else np.zeros(6)  # a lone sample has no slope
    deviation = np.sqrt(np.einsum("ni,ni->i", centred, centred) / len(wrench))
    return np.stack([mean, deviation, wrench.min(axis=0), wrench.max(axis=0), slope])
