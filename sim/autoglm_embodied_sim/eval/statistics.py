"""Statistics of evaluation results: paired outcomes (Newcombe, McNemar) and percentile bootstraps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.stats

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import wilson
from autoglm_embodied.types import FloatArray

CLUSTER_RESAMPLES, CLUSTER_SEED = 10_000, 20
QUANTILE_RESAMPLES, QUANTILE_SEED = 2_000, 0
"""The seeds are fixed, so that the same results always have the same interval."""


@dataclass(frozen=True)
class PairedOutcomes:
    """The 2 x 2 table of two policies on the same seeds: how often both, one or neither succeeded."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @classmethod
    def of(cls, first: Sequence[bool], second: Sequence[bool]) -> PairedOutcomes:
        """Count the outcomes of two policies on the same seeds.

        Args:
            first: (n,) whether the first policy succeeded, by seed.
            second: (n,) whether the second did, in the same order.

        Raises:
            ConfigError: they are not equally many.
        """
        if len(first) != len(second):
            raise ConfigError(f"paired outcomes must be as many on both sides, got {len(first)} and {len(second)}")
        pairs = list(zip(first, second, strict=True))
        return cls(*(pairs.count(outcome) for outcome in ((True, True), (True, False), (False, True), (False, False))))

    @property
    def n(self) -> int:
        """How many seeds."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def difference(self) -> float:
        """Success rate of the first less that of the second."""
        return (self.first_only - self.second_only) / self.n

    def newcombe_interval(self) -> tuple[float, float]:
        """95 % score interval of the paired difference (Newcombe, Statistics in Medicine 17:2635, 1998, method 10).

        SciPy has none for paired proportions.
        """
        first, second = self.both + self.first_only, self.both + self.second_only
        p1, p2 = first / self.n, second / self.n
        (low1, high1), (low2, high2) = wilson(first, self.n), wilson(second, self.n)
        phi = self._phi()

        def distance(one: float, other: float) -> float:
            return math.sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))

        return self.difference - distance(p1 - low1, high2 - p2), self.difference + distance(high1 - p1, p2 - low2)

    def mcnemar_p(self) -> float:
        """Two-sided p-value of McNemar's exact test: the discordant seeds split as a fair coin would."""
        discordant = self.first_only + self.second_only
        return float(scipy.stats.binomtest(self.first_only, discordant).pvalue) if discordant else 1.0

    def _phi(self) -> float:
        """Correlation of the two outcomes, corrected for continuity as Newcombe does."""
        first, second = self.both + self.first_only, self.both + self.second_only
        product = first * (self.n - first) * second * (self.n - second)
        if product == 0:
            return 0.0
        excess = float(self.both * self.neither - self.first_only * self.second_only)
        if excess > 0:
            excess = max(excess - self.n / 2, 0.0)
        return excess / math.sqrt(product)


def cluster_bootstrap(
    counts: FloatArray,
    totals: FloatArray,
    baseline_counts: FloatArray | None = None,
    baseline_totals: FloatArray | None = None,
) -> tuple[float, float]:
    """95 % cluster bootstrap interval of a ratio of sums, or of the difference of two such ratios.

    Whole clusters are resampled, because the trials within one depend on each other. Where all clusters are perfect,
    or all are nothing, resampling says nothing; then the interval is Wilson's of as many trials as there are clusters.

    Args:
        counts: (n,) successes in each cluster.
        totals: (n,) trials in each cluster.
        baseline_counts: (n,) successes of the policy to compare with, in the same clusters; None for no difference.
        baseline_totals: (n,) its trials.
    """
    if baseline_counts is not None and baseline_totals is not None:
        samples = counts, totals, baseline_counts, baseline_totals
        return _percentile_bootstrap(samples, _difference_of_ratios, CLUSTER_RESAMPLES, CLUSTER_SEED)
    if (counts == totals).all() or not counts.any():
        return wilson(len(counts) if counts.any() else 0, len(counts))
    return _percentile_bootstrap((counts, totals), _ratio, CLUSTER_RESAMPLES, CLUSTER_SEED)


def quantile_bootstrap(values: FloatArray, quantile: float) -> tuple[float, float]:
    """95 % bootstrap interval of a quantile.

    Args:
        values: (n,) in any unit, that of the interval.
        quantile: 0 to 1.
    """
    return _percentile_bootstrap((values,), partial(np.quantile, q=quantile), QUANTILE_RESAMPLES, QUANTILE_SEED)


def _percentile_bootstrap(
    samples: tuple[FloatArray, ...], statistic: Callable[..., FloatArray], resamples: int, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of `statistic(*samples, axis)`; element i of all samples (n,) is drawn together."""
    if len(samples[0]) == 1:  # which scipy refuses
        value = float(statistic(*samples, axis=-1))
        return value, value
    drawn = {"n_resamples": resamples, "rng": np.random.default_rng(seed)}
    resampled = scipy.stats.bootstrap(samples, statistic, paired=True, vectorized=True, method="percentile", **drawn)
    low, high = resampled.confidence_interval
    return float(low), float(high)


def _ratio(counts: FloatArray, totals: FloatArray, axis: int) -> FloatArray:
    return np.asarray(counts.sum(axis=axis) / totals.sum(axis=axis))


def _difference_of_ratios(
    counts: FloatArray, totals: FloatArray, baseline_counts: FloatArray, baseline_totals: FloatArray, axis: int
) -> FloatArray:
    return _ratio(counts, totals, axis) - _ratio(baseline_counts, baseline_totals, axis)
