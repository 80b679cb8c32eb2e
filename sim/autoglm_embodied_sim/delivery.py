"""When a sensor samples the ideal signal, which samples arrive, and when."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied_sim.sensor_specs import PHYSICS_HZ, Timing

IntArray = NDArray[np.int64]
NS_PER_S = 1_000_000_000


class Delivery:
    """The timing of one sensor; its ticks count from the restart, each on the first instant offered at or after it."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        rate = Fraction(timing.rate_hz).limit_denominator(1000)
        self._ticks, self._per_ns = rate.numerator, rate.denominator * NS_PER_S
        self._everything = timing.rate_hz == PHYSICS_HZ
        self.immediate = not timing.latency_ns and not timing.jitter_ns
        self.trivial = self._everything and self.immediate and not timing.dropout
        self.restart(np.random.default_rng(0), 0)

    def restart(self, rng: np.random.Generator, now_ns: int) -> None:
        """Draw from children of `rng` from now on; the instant `now_ns` has been offered."""
        self._loss_rng, self._delay_rng = rng.spawn(2)
        self._begin_ns, self._tick = now_ns, 0
        self._newest_ns = now_ns

    def due(self, stamp_ns: int) -> bool:
        """Whether a sample is taken at this instant, if it is the next one offered."""
        return self._count(stamp_ns) > self._tick

    def sample(self, stamp_ns: IntArray) -> tuple[NDArray[np.intp], IntArray]:
        """Which of these instants (n,), later than all before, give samples that arrive, and when they do.

        Returns:
            Indices (m,) into `stamp_ns`, and arrival times (m,) [ns] in rising order.
        """
        chosen = self._chosen(stamp_ns)
        if self.timing.dropout:
            chosen = chosen[self._loss_rng.random(len(chosen)) >= self.timing.dropout]
        arrival_ns = stamp_ns[chosen] + self.timing.latency_ns
        if self.timing.jitter_ns and len(chosen):
            arrival_ns += np.rint(self._delay_rng.exponential(self.timing.jitter_ns, len(chosen))).astype(np.int64)
            arrival_ns = np.maximum.accumulate(np.maximum(arrival_ns, self._newest_ns))
            self._newest_ns = int(arrival_ns[-1])
        return chosen, arrival_ns

    def _chosen(self, stamp_ns: IntArray) -> NDArray[np.intp]:
        if self._everything:
            return np.arange(len(stamp_ns))
        ticks = (stamp_ns - self._begin_ns) * self._ticks // self._per_ns
        chosen = np.flatnonzero(np.diff(ticks, prepend=self._tick))
        if len(ticks):
            self._tick = int(ticks[-1])
        return chosen

    def _count(self, stamp_ns: int) -> int:
        return (stamp_ns - self._begin_ns) * self._ticks // self._per_ns
