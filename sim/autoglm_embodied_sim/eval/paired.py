"""Two policies on the same seeds: the difference of their success, with its interval, and whether it may be chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import wilson


@dataclass(frozen=True)
class Pairs:
    """How often both policies succeeded on a seed, one of them alone, or neither."""

    both: int
    first_alone: int
    second_alone: int
    neither: int

    @classmethod
    def of(cls, first: Sequence[bool], second: Sequence[bool]) -> Pairs:
        """Count the outcomes (n,) of two policies, in the order of the same seeds."""
        if len(first) != len(second):
            raise ConfigError(f"paired outcomes must be as many on both sides, got {len(first)} and {len(second)}")
        pairs = list(zip(first, second, strict=True))
        return cls(*(pairs.count(outcome) for outcome in ((True, True), (True, False), (False, True), (False, False))))

    @property
    def n(self) -> int:
        """How many seeds."""
        return self.both + self.first_alone + self.second_alone + self.neither

    @property
    def difference(self) -> float:
        """Success of the first less that of the second."""
        return (self.first_alone - self.second_alone) / self.n

    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference (Newcombe 1998, Statistics in Medicine 17:2635, method 10)."""
        first, second = self.both + self.first_alone, self.both + self.second_alone
        p1, p2 = first / self.n, second / self.n
        (low1, high1), (low2, high2) = wilson(first, self.n), wilson(second, self.n)
        phi = self._correlation()

        def reach(one: float, other: float) -> float:
            return math.sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))

        return self.difference - reach(p1 - low1, high2 - p2), self.difference + reach(high1 - p1, p2 - low2)

    def chance(self) -> float:
        """Two-sided p of so uneven a split of the seeds on which one alone succeeded (McNemar's test, exact)."""
        uneven = self.first_alone + self.second_alone
        fewer = min(self.first_alone, self.second_alone)
        tail = sum(math.comb(uneven, k) for k in range(fewer + 1))
        return min(1.0, 2.0 * tail / 2.0**uneven)

    def _correlation(self) -> float:
        """Phi of the two outcomes, corrected for continuity."""
        first, second = self.both + self.first_alone, self.both + self.second_alone
        product = first * (self.n - first) * second * (self.n - second)
        if product == 0:
            return 0.0
        excess = float(self.both * self.neither - self.first_alone * self.second_alone)
        if excess > 0:
            excess = max(excess - self.n / 2, 0.0)
        return excess / math.sqrt(product)
