"""Plays simulated messages, in the order of arrival, into the aligner and into baselines that pick one sample."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from heapq import merge

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.tools.bench.simulated_streams import EPOCH_NS, IntArray, Messages
from autoglm_embodied.types import FloatArray, Observation

MAX_SAMPLES = 2_048  # as many as the aligner's ring of wrenches holds


class Arrivals:
    """The messages of several streams, in the order of their receive times."""

    def __init__(self, streams: Mapping[str, Messages]) -> None:
        self._merged = merge(*(_rows(name, messages) for name, messages in streams.items()), key=lambda row: row[0])
        self._next = next(self._merged, None)

    def until(self, now_ns: int) -> Iterator[tuple[int, str, int, FloatArray]]:
        """Receive time, stream, stamp and value of the messages received since the last call and by `now_ns`."""
        while self._next is not None and self._next[0] <= now_ns:
            yield self._next
            self._next = next(self._merged, None)


def _rows(name: str, messages: Messages) -> Iterator[tuple[int, str, int, FloatArray]]:
    columns = messages.receive_ns.tolist(), messages.stamp_ns.tolist(), messages.values
    for receive_ns, stamp_ns, value in zip(*columns, strict=True):
        yield receive_ns, name, stamp_ns, value


def observe(
    aligner: Aligner, streams: Mapping[str, Messages], now_ns: IntArray, behind_ns: int = 0
) -> Iterator[Observation]:
    """Push every message at its receive time and observe.

    Args:
        aligner: to push to.
        streams: messages of "wrench", "joints" (positions, then velocities) and "vision".
        now_ns: (m,) instants on the receive clock.
        behind_ns: observe the instant that long before each of them.

    Yields:
        One observation for each of `now_ns`.
    """

    def push_joints(stamp_ns: int, receive_ns: int, row: FloatArray) -> None:
        half = len(row) // 2
        aligner.push_joints(stamp_ns, receive_ns, row[:half], row[half:])

    def push_vision(stamp_ns: int, receive_ns: int, row: FloatArray) -> None:
        aligner.push_tokens(stamp_ns, receive_ns, row[None].astype(np.float32))

    push = {"wrench": aligner.push_wrench, "joints": push_joints, "vision": push_vision}
    arrivals = Arrivals(streams)
    for now in now_ns.tolist():
        for receive_ns, name, stamp_ns, value in arrivals.until(now):
            push[name](stamp_ns, receive_ns, value)
        yield aligner.observe(EPOCH_NS + now - behind_ns, now)


class SampleBuffer:
    """The baseline to the aligner: all samples of a stream sorted by stamp, of which one is picked."""

    def __init__(self) -> None:
        self._stamps_ns: list[int] = []
        self._values: list[FloatArray] = []

    def push(self, stamp_ns: int, value: FloatArray) -> None:
        """Insert a sample in the order of the stamps.

        Args:
            stamp_ns: its stamp.
            value: (width,).
        """
        place = bisect_right(self._stamps_ns, stamp_ns)
        self._stamps_ns.insert(place, stamp_ns)
        self._values.insert(place, value)
        if len(self._stamps_ns) > MAX_SAMPLES:
            del self._stamps_ns[0], self._values[0]

    def last(self, t_ns: int) -> FloatArray:
        """The newest sample not later than `t_ns`; the oldest where all are later."""
        return self._values[max(bisect_right(self._stamps_ns, t_ns) - 1, 0)]

    def nearest(self, t_ns: int) -> FloatArray:
        """The sample whose stamp is nearest to `t_ns`."""
        after = bisect_left(self._stamps_ns, t_ns)
        around = range(max(after - 1, 0), min(after + 1, len(self._stamps_ns)))
        return self._values[min(around, key=lambda place: abs(self._stamps_ns[place] - t_ns))]


Pick = Callable[[SampleBuffer, int], FloatArray]


def pick_samples(messages: Messages, t_ns: IntArray, now_ns: IntArray, pick: Pick) -> FloatArray:
    """The baseline's sample at each instant, of the messages received by then.

    Args:
        messages: of one stream.
        t_ns: (m,) instants asked for, from the epoch of the simulation.
        now_ns: (m,) the same moments on the receive clock, ascending.
        pick: `SampleBuffer.last` or `SampleBuffer.nearest`.

    Returns:
        (m, width).
    """
    buffer, arrivals, picked = SampleBuffer(), Arrivals({"stream": messages}), list[FloatArray]()
    for t, now in zip((EPOCH_NS + t_ns).tolist(), now_ns.tolist(), strict=True):
        for _, _, stamp_ns, value in arrivals.until(now):
            buffer.push(stamp_ns, value)
        picked.append(pick(buffer, t))
    return np.array(picked)
