"""What becomes of a stream on its way: late, jittered, overtaken, with holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.bench.signals import Signal
from autoglm_embodied.types import FloatArray

IntArray = NDArray[np.int64]
NS_PER_S = 1_000_000_000
EPOCH_NS = 1_700_000_000 * NS_PER_S  # stamps are of 2023, receive times count from 0


@dataclass(frozen=True)
class Way:
    """From a sensor to this machine.

    Attributes:
        delay_s: of every message.
        jitter: of the instant of measuring, in periods: up to so much later than due.
        loss: fraction of the messages that never come.
        overtaking: of the time on the way, in periods: up to so much longer, so that messages overtake one another.
    """

    delay_s: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    overtaking: float = 0.0


@dataclass(frozen=True)
class Messages:
    """Those of a stream that come, in the order of coming."""

    receive_ns: IntArray  # (n,)
    stamp_ns: IntArray  # (n,)
    values: FloatArray  # (n, width)


def deliver(signal: Signal, rate_hz: float, seconds: float, way: Way, rng: np.random.Generator) -> Messages:
    """Measure a signal from 0 to `seconds` and send what was measured on its way."""
    period_ns = NS_PER_S / rate_hz
    due_ns = (np.arange(int(seconds * rate_hz)) * period_ns).astype(np.int64)
    due_ns += (rng.random(len(due_ns)) * way.jitter * period_ns).astype(np.int64)
    at_ns = np.unique(due_ns[rng.random(len(due_ns)) >= way.loss])
    receive_ns = at_ns + round(way.delay_s * NS_PER_S)
    if way.overtaking:
        receive_ns += (rng.random(len(at_ns)) * way.overtaking * period_ns).astype(np.int64)
    order = np.argsort(receive_ns, kind="stable")
    return Messages(receive_ns[order], EPOCH_NS + at_ns[order], signal(at_ns[order] / NS_PER_S))
