"""A stream's value at an instant: between the samples around it, held, or, if asked, drawn on a little."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray, Sense


@dataclass(frozen=True)
class Limits:
    """How far a value may lie from what was measured.

    `gap_ns` is the longest hole between two samples that a line may cross, `beyond_ns` how far behind the newest it
    may be drawn on (0: never), which is also never further than the last two samples lie apart. `curved` asks for the
    cubic through the two samples on either side, where there are so many without a hole and about evenly apart, instead
    of a line: for streams that are slow against what they tell of.
    """

    gap_ns: int
    beyond_ns: int = 0
    curved: bool = False


def interpolate(stamps_ns: NDArray[np.int64], values: FloatArray, t_ns: int, limits: Limits) -> Sense[FloatArray]:
    """The value at `t_ns` of a stream of vectors, of whatever shape.

    Args:
        stamps_ns: (n,) in order.
        values: (n, ...) a sample each.
        t_ns: the instant.
        limits: of what may be made up.

    Returns:
        A copy; absent before the first sample, and in a hole too long to cross once the sample before it is as old
        as that. A held value has its age as time error, an interpolated one none.
    """
    after = int(stamps_ns.searchsorted(t_ns, side="right"))
    if after == 0:
        return Sense(None)
    before_ns = int(stamps_ns[after - 1])
    age_ns = t_ns - before_ns
    if age_ns == 0:
        return Sense(values[after - 1].copy())
    if after == len(stamps_ns):
        return _beyond(stamps_ns, values, age_ns, limits)
    gap_ns = int(stamps_ns[after]) - before_ns
    if gap_ns <= limits.gap_ns:
        around = slice(after - 2, after + 2)
        if limits.curved and 2 <= after < len(stamps_ns) - 1 and _even(stamps_ns[around], limits.gap_ns):
            return Sense(_curve(stamps_ns[around], values[around], t_ns))
        return Sense(_line(values[after - 1], values[after], age_ns / gap_ns))
    return Sense(values[after - 1].copy() if age_ns <= limits.gap_ns else None, age_ns, age_ns)


def _beyond(stamps_ns: NDArray[np.int64], values: FloatArray, age_ns: int, limits: Limits) -> Sense[FloatArray]:
    """At an instant behind the newest sample."""
    gap_ns = int(stamps_ns[-1] - stamps_ns[-2]) if len(stamps_ns) > 1 else 0
    drawn_ns = min(age_ns, limits.beyond_ns, gap_ns)
    if drawn_ns == 0 or gap_ns > limits.gap_ns:
        return Sense(values[-1].copy(), age_ns, age_ns)
    return Sense(_line(values[-2], values[-1], 1 + drawn_ns / gap_ns), age_ns, age_ns - drawn_ns, drawn_ns)


def _line(first: FloatArray, second: FloatArray, fraction: float) -> FloatArray:
    """The point a `fraction` of the way from one to the other; in one array, as tokens are large."""
    point = np.subtract(second, first)
    point *= fraction
    point += first
    return point


def _even(stamps_ns: NDArray[np.int64], longest_ns: int) -> bool:
    """Whether four samples lie evenly enough for a cubic.

    Of two stamps that lie close together, as when one frame was stamped late, it takes the little that the frames
    differ for a steep slope and is thrown off by many times as much. With at least half the middle gap on either side
    it leaves the samples by at most a third of their spread.
    """
    before_ns, between_ns, behind_ns = np.diff(stamps_ns).tolist()
    return bool(max(before_ns, behind_ns) <= longest_ns and 2 * min(before_ns, behind_ns) >= between_ns)


def _curve(stamps_ns: NDArray[np.int64], values: FloatArray, t_ns: int) -> FloatArray:
    """The cubic through four samples (Lagrange)."""
    at = (stamps_ns - t_ns).tolist()
    weights = [
        math.prod(at[other] / (at[other] - at[this]) for other in range(4) if other != this) for this in range(4)
    ]
    flat: FloatArray = np.asarray(weights, values.dtype) @ values.reshape(4, -1)
    return flat.reshape(values.shape[1:])
