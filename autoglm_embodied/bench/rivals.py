"""What others do instead of interpolating: take the sample nearest to the tick, or the last one before it."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.bench.delivery import EPOCH_NS, IntArray, Messages
from autoglm_embodied.types import FloatArray


def last(messages: Messages, t_ns: IntArray, now_ns: IntArray) -> FloatArray:
    """(m, width) for each of the instants (m,) the newest sample that is not later, of those come by then."""
    came = np.searchsorted(messages.receive_ns, now_ns, side="right")
    before = np.searchsorted(messages.stamp_ns, EPOCH_NS + t_ns, side="right")
    values: FloatArray = messages.values[np.minimum(came, before) - 1]
    return values


def nearest(messages: Messages, t_ns: IntArray, now_ns: IntArray) -> FloatArray:
    """(m, width) for each of the instants (m,) the sample whose stamp is nearest, of those come by then."""
    came = np.searchsorted(messages.receive_ns, now_ns, side="right")
    at_ns = EPOCH_NS + t_ns
    after = np.searchsorted(messages.stamp_ns, at_ns).clip(1, len(messages.stamp_ns) - 1)
    earlier = at_ns - messages.stamp_ns[after - 1] <= messages.stamp_ns[after] - at_ns
    values: FloatArray = messages.values[np.minimum(after - earlier, came - 1)]
    return values
