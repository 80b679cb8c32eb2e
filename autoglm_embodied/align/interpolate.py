"""A stream's value at an instant: interpolated between the samples around it, held, or extrapolated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray, Sense


@dataclass(frozen=True)
class InterpolationLimits:
    """How far a value may lie from the measurements that it is computed from.

    Extrapolation is linear, at most by the period of the last two samples; 0 holds the newest sample instead. The cubic
    is that through two samples on either side where they are evenly spaced, for streams that are slow against the
    motion they measure.
    """

    max_gap_ns: int  # longest gap between two samples that may be interpolated across
    max_extrapolation_ns: int = 0  # behind the newest sample
    cubic: bool = False


def interpolate(
    stamps_ns: NDArray[np.int64], values: FloatArray, t_ns: int, limits: InterpolationLimits
) -> Sense[FloatArray]:
    """A copy of a stream's value at `t_ns`, with its age and time error (0 where interpolated, the age where held).

    It is absent before the first sample, and in too long a gap once the sample before it is older than the longest gap.

    Args:
        stamps_ns: (n,) in ascending order.
        values: (n, ...) the samples.
        t_ns: the instant.
        limits: longest gap, longest extrapolation, and the interpolant.
    """
    after = int(stamps_ns.searchsorted(t_ns, side="right"))
    if after == 0:
        return Sense(None)
    before_ns = int(stamps_ns[after - 1])
    age_ns = t_ns - before_ns
    if age_ns == 0:
        return Sense(values[after - 1].copy())
    if after == len(stamps_ns):
        return _extrapolate(stamps_ns, values, age_ns, limits)
    gap_ns = int(stamps_ns[after]) - before_ns
    if gap_ns <= limits.max_gap_ns:
        around = slice(after - 2, after + 2)
        if limits.cubic and 2 <= after < len(stamps_ns) - 1 and _evenly_spaced(stamps_ns[around], limits.max_gap_ns):
            return Sense(_cubic(stamps_ns[around], values[around], t_ns))
        return Sense(_linear(values[after - 1], values[after], age_ns / gap_ns))
    return Sense(values[after - 1].copy() if age_ns <= limits.max_gap_ns else None, age_ns, age_ns)


def _extrapolate(
    stamps_ns: NDArray[np.int64], values: FloatArray, age_ns: int, limits: InterpolationLimits
) -> Sense[FloatArray]:
    """The value `age_ns` behind the newest sample: extrapolated as far as the limits allow, else held."""
    period_ns = int(stamps_ns[-1] - stamps_ns[-2]) if len(stamps_ns) > 1 else 0
    extrapolated_ns = min(age_ns, limits.max_extrapolation_ns, period_ns)
    if extrapolated_ns == 0 or period_ns > limits.max_gap_ns:
        return Sense(values[-1].copy(), age_ns, age_ns)
    value = _linear(values[-2], values[-1], 1 + extrapolated_ns / period_ns)
    return Sense(value, age_ns, age_ns - extrapolated_ns, extrapolated_ns)


def _linear(first: FloatArray, second: FloatArray, fraction: float) -> FloatArray:
    """The point a `fraction` of the way from `first` to `second`; with one temporary only, as tokens are large."""
    point = np.subtract(second, first)
    point *= fraction
    point += first
    return point


def _evenly_spaced(stamps_ns: NDArray[np.int64], max_gap_ns: int) -> bool:
    """Whether four samples are spaced evenly enough for a cubic.

    Two stamps close together, as when one frame was stamped late, make the cubic overshoot. With outer gaps of at least
    half the middle one it exceeds the samples by at most a third of their range.
    """
    before_ns, between_ns, behind_ns = np.diff(stamps_ns).tolist()
    return bool(max(before_ns, behind_ns) <= max_gap_ns and 2 * min(before_ns, behind_ns) >= between_ns)


def _cubic(stamps_ns: NDArray[np.int64], values: FloatArray, t_ns: int) -> FloatArray:
    """The cubic through four samples (Lagrange's form) at `t_ns`."""
    at = (stamps_ns - t_ns).tolist()
    weights = [math.prod(there / (there - here) for there in at if there != here) for here in at]
    flat: FloatArray = np.asarray(weights, values.dtype) @ values.reshape(4, -1)
    return flat.reshape(values.shape[1:])
