"""What others do instead of interpolating: take the sample nearest to the tick, or the last one before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

import numpy as np

from autoglm_embodied.tools.bench.simulated_streams import EPOCH_NS, IntArray, Messages
from autoglm_embodied.types import FloatArray

KEPT = 2_048  # samples, as many as the aligner's ring of wrenches


class Samples:
    """The samples of one stream that have come, by stamp; a rival of the aligner that loses none either."""

    def __init__(self) -> None:
        self._stamps_ns: list[int] = []
        self._values: list[FloatArray] = []

    def push(self, stamp_ns: int, value: FloatArray) -> None:
        """Take a sample, in order or not."""
        place = bisect_right(self._stamps_ns, stamp_ns)
        self._stamps_ns.insert(place, stamp_ns)
        self._values.insert(place, value)
        if len(self._stamps_ns) > KEPT:
            del self._stamps_ns[0], self._values[0]

    def last(self, t_ns: int) -> FloatArray:
        """The newest sample that is not later than `t_ns`; the oldest where all are later."""
        return self._values[max(bisect_right(self._stamps_ns, t_ns) - 1, 0)]

    def nearest(self, t_ns: int) -> FloatArray:
        """The sample whose stamp is nearest to `t_ns`."""
        after = bisect_left(self._stamps_ns, t_ns)
        around = range(max(after - 1, 0), min(after + 1, len(self._stamps_ns)))
        return self._values[min(around, key=lambda place: abs(self._stamps_ns[place] - t_ns))]


def last(messages: Messages, t_ns: IntArray, now_ns: IntArray) -> FloatArray:
    """(m, width) for each of the instants (m,) the newest sample that is not later, of those come by then."""
    return _ask(messages, t_ns, now_ns, Samples.last)


def nearest(messages: Messages, t_ns: IntArray, now_ns: IntArray) -> FloatArray:
    """(m, width) for each of the instants (m,) the sample whose stamp is nearest, of those come by then."""
    return _ask(messages, t_ns, now_ns, Samples.nearest)


def _ask(
    messages: Messages, t_ns: IntArray, now_ns: IntArray, rule: Callable[[Samples, int], FloatArray]
) -> FloatArray:
    samples = Samples()
    told: list[FloatArray] = []
    coming = zip(messages.receive_ns.tolist(), messages.stamp_ns.tolist(), messages.values, strict=True)
    waiting = next(coming, None)
    for t, now in zip((EPOCH_NS + t_ns).tolist(), now_ns.tolist(), strict=True):
        while waiting is not None and waiting[0] <= now:
            samples.push(waiting[1], waiting[2])
            waiting = next(coming, None)
        told.append(rule(samples, t))
    return np.array(told)
