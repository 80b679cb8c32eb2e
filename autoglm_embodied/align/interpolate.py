"""A stream's value at an instant: held, or interpolated between the two samples around it, never extrapolated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from autoglm_embodied.types import FloatArray, Sense


def hold(stamps_ns: NDArray[np.int64], values: FloatArray, t_ns: int) -> Sense[FloatArray]:
    """The newest sample not after `t_ns`.

    Args:
        stamps_ns: (n,) in order.
        values: (n, ...) a sample each.
        t_ns: the instant.

    Returns:
        A copy of that sample; absent where all are later.
    """
    newest = int(np.searchsorted(stamps_ns, t_ns, side="right")) - 1
    if newest < 0:
        return Sense(None)
    age_ns = t_ns - int(stamps_ns[newest])
    return Sense(values[newest].copy(), age_ns, age_ns)


def linear(stamps_ns: NDArray[np.int64], values: FloatArray, t_ns: int, max_gap_ns: int) -> Sense[FloatArray]:
    """The value on the straight line between the samples before and after `t_ns`.

    Held from the one before, with its time error, where none is after or the two lie more than `max_gap_ns` apart.
    """
    after = int(np.searchsorted(stamps_ns, t_ns))
    if after == len(stamps_ns) or after == 0 or stamps_ns[after] - stamps_ns[after - 1] > max_gap_ns:
        return hold(stamps_ns, values, t_ns)
    fraction = (t_ns - stamps_ns[after - 1]) / (stamps_ns[after] - stamps_ns[after - 1])
    return Sense(values[after - 1] * (1.0 - fraction) + values[after] * fraction)


def slerp(T_before: FloatArray, T_after: FloatArray, fraction: float) -> FloatArray:
    """The pose (4, 4) a `fraction` of the way between two: position linear, rotation on the shortest arc."""
    pose = np.eye(4)
    pose[:3, 3] = T_before[:3, 3] * (1.0 - fraction) + T_after[:3, 3] * fraction
    ends = Rotation.from_matrix(np.stack([T_before[:3, :3], T_after[:3, :3]]))
    pose[:3, :3] = Slerp([0.0, 1.0], ends)(fraction).as_matrix()
    return pose
