"""Messages of several streams into an aligner, in the order in which they come, and what it observes at each tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import merge

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.tools.bench.simulated_streams import EPOCH_NS, IntArray, Messages
from autoglm_embodied.types import FloatArray, Observation

Push = Callable[[int, int, FloatArray], None]


def pushes(aligner: Aligner) -> dict[str, Push]:
    """How the messages of each stream are handed over."""

    def joints(stamp_ns: int, receive_ns: int, row: FloatArray) -> None:
        half = len(row) // 2
        aligner.push_joints(stamp_ns, receive_ns, row[:half], row[half:])

    def vision(stamp_ns: int, receive_ns: int, row: FloatArray) -> None:
        aligner.push_tokens(stamp_ns, receive_ns, row[None].astype(np.float32))

    return {"wrench": aligner.push_wrench, "joints": joints, "vision": vision}


def observe(
    aligner: Aligner, streams: Mapping[str, Messages], now_ns: IntArray, behind_ns: int = 0
) -> Iterator[Observation]:
    """What is observed at each of the moments (m,) on the receive clock, of the instant `behind_ns` before it."""
    push = pushes(aligner)
    coming = merge(*(_named(name, messages) for name, messages in streams.items()), key=lambda each: each[0])
    waiting = next(coming, None)
    for now in now_ns.tolist():
        while waiting is not None and waiting[0] <= now:
            receive_ns, name, stamp_ns, value = waiting
            push[name](stamp_ns, receive_ns, value)
            waiting = next(coming, None)
        yield aligner.observe(EPOCH_NS + now - behind_ns, now)


def _named(name: str, messages: Messages) -> Iterator[tuple[int, str, int, FloatArray]]:
    for receive_ns, stamp_ns, value in zip(
        messages.receive_ns.tolist(), messages.stamp_ns.tolist(), messages.values, strict=True
    ):
        yield receive_ns, name, stamp_ns, value
