"""What the approximate-time synchroniser of message_filters makes of streams, and at what cost, for comparison."""

from __future__ import annotations

import time
from collections.abc import Mapping
from heapq import merge
from itertools import repeat
from typing import Any

import numpy as np
from geometry_msgs.msg import WrenchStamped
from message_filters import ApproximateTimeSynchronizer, SimpleFilter
from numpy.typing import NDArray

from autoglm_embodied.ros.conversions import to_stamp

Arrivals = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Receive times and stamps, each (n,) [ns]."""

SLOP_S = 0.05


def synchronise(streams: Mapping[str, Arrivals], queue: int) -> tuple[int, list[float]]:
    """Feed the messages in the order in which they come.

    Args:
        streams: what comes of each.
        queue: messages that it keeps of each; most examples say 10.

    Returns:
        How many sets it made, and how long each message took it [us].
    """
    filters = {name: SimpleFilter() for name in streams}
    formed: list[Any] = []
    synchroniser = ApproximateTimeSynchronizer(list(filters.values()), queue, SLOP_S)
    synchroniser.registerCallback(lambda *messages: formed.append(messages))
    taken_us = []
    named = (
        zip(receive_ns.tolist(), repeat(name, len(receive_ns)), stamps_ns.tolist(), strict=True)
        for name, (receive_ns, stamps_ns) in streams.items()
    )
    for _, name, stamp_ns in merge(*named):
        message = WrenchStamped()  # any message with a stamp will do
        message.header.stamp = to_stamp(stamp_ns)
        begin = time.perf_counter()
        filters[name].signalMessage(message)
        taken_us.append(1e6 * (time.perf_counter() - begin))
    return len(formed), taken_us
