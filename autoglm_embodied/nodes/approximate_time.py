"""How many sets the approximate-time synchroniser of message_filters makes of streams, for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import merge
from typing import Any

import numpy as np
from geometry_msgs.msg import WrenchStamped
from message_filters import ApproximateTimeSynchronizer, SimpleFilter
from numpy.typing import NDArray

from autoglm_embodied.nodes.conversions import to_stamp

Arrivals = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Receive times and stamps, each (n,) [ns]."""

QUEUE, SLOP_S = 10, 0.05  # as in most examples


def sets_formed(streams: Mapping[str, Arrivals]) -> int:
    """Feed the messages in the order in which they come, with the settings that most examples use."""
    filters = {name: SimpleFilter() for name in streams}
    formed: list[Any] = []
    synchroniser = ApproximateTimeSynchronizer(list(filters.values()), QUEUE, SLOP_S)
    synchroniser.registerCallback(lambda *messages: formed.append(messages))
    for _, name, stamp_ns in merge(*(_named(name, *arrivals) for name, arrivals in streams.items())):
        message = WrenchStamped()  # any message with a stamp will do
        message.header.stamp = to_stamp(stamp_ns)
        filters[name].signalMessage(message)
    return len(formed)


def _named(name: str, receive_ns: NDArray[np.int64], stamp_ns: NDArray[np.int64]) -> list[tuple[int, str, int]]:
    return [(receive, name, stamp) for receive, stamp in zip(receive_ns.tolist(), stamp_ns.tolist(), strict=True)]
