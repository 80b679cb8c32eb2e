"""Intervals and tests against the published values, against a plain reckoning, and in the long run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from autoglm_embodied_sim.eval.statistics import PairedOutcomes, cluster_bootstrap, quantile_bootstrap
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import wilson

ONES = np.ones(40)


def test_outcomes_are_counted_seed_by_seed() -> None:
    assert PairedOutcomes.of([True, True, False, False, True], [True, False, True, False, True]) == PairedOutcomes(
        2, 1, 1, 1
    )
    with pytest.raises(ConfigError, match="as many on both sides, got 1 and 0"):
        PairedOutcomes.of([True], [])


@pytest.mark.parametrize(("p1", "p2", "shared"), [(0.9, 0.8, 0.6), (0.95, 0.95, 0.0), (0.5, 0.8, 0.3)])
def test_newcombes_interval_holds_the_true_difference_about_95_times_in_100(
    p1: float, p2: float, shared: float
) -> None:
    rng = np.random.default_rng(0)
    runs, n, held = 600, 100, 0
    for _ in range(runs):
        common = rng.random(n)
        first = np.where(rng.random(n) < shared, common, rng.random(n)) < p1
        second = np.where(rng.random(n) < shared, common, rng.random(n)) < p2
        low, high = PairedOutcomes.of(first.tolist(), second.tolist()).newcombe_interval()
        held += low <= p1 - p2 <= high
    assert 0.93 < held / runs < 0.985


def test_pairing_narrows_the_interval_where_policies_fail_on_the_same_seeds() -> None:
    together, apart = (
        PairedOutcomes(80, 5, 1, 14).newcombe_interval(),
        PairedOutcomes(67, 18, 14, 1).newcombe_interval(),
    )
    assert together[1] - together[0] < 0.7 * (apart[1] - apart[0])


def test_intervals_stay_within_the_possible_at_the_edges() -> None:
    for pairs in (
        PairedOutcomes(10, 0, 0, 0),
        PairedOutcomes(0, 0, 0, 10),
        PairedOutcomes(0, 10, 0, 0),
        PairedOutcomes(1, 0, 0, 0),
    ):
        low, high = pairs.newcombe_interval()
        assert -1 <= low <= pairs.difference <= high <= 1
        assert low < high


def test_mcnemar_p_is_that_of_a_fair_coin() -> None:
    assert PairedOutcomes(50, 4, 17, 29).mcnemar_p() == pytest.approx(
        0.0072, abs=1e-4
    )  # 17 of 21 heads or more, either way
    assert PairedOutcomes(50, 3, 3, 0).mcnemar_p() == 1.0
    assert PairedOutcomes(50, 0, 0, 0).mcnemar_p() == 1.0


def test_the_cluster_bootstrap_is_a_function_of_the_clusters() -> None:
    counts = np.random.default_rng(0).integers(0, 6, 40).astype(float)
    assert cluster_bootstrap(counts, 5 * ONES) == cluster_bootstrap(counts, 5 * ONES)
    low, high = cluster_bootstrap(counts, 5 * ONES)
    error = 1.96 * np.std(counts / 5) / np.sqrt(40)
    assert (low, high) == pytest.approx((counts.mean() / 5 - error, counts.mean() / 5 + error), abs=0.02)


def test_perfect_clusters_are_no_certainty() -> None:
    assert cluster_bootstrap(5 * ONES, 5 * ONES) == wilson(40, 40)
    assert cluster_bootstrap(0 * ONES, 5 * ONES) == wilson(0, 40)


counts = st.integers(0, 60)


@given(counts, counts)
def test_mcnemar_p_is_twice_the_tail_of_the_discordant_seeds(first: int, second: int) -> None:
    discordant, fewer = first + second, min(first, second)
    tail = sum(math.comb(discordant, k) for k in range(fewer + 1)) / 2**discordant
    assert PairedOutcomes(3, first, second, 5).mcnemar_p() == pytest.approx(min(1.0, 2 * tail), abs=1e-9)


def test_newcombes_interval_is_that_of_his_table() -> None:
    """Newcombe 1998, table II: 36, 12, 2 and 0 pairs, method 10."""
    assert PairedOutcomes(36, 12, 2, 0).newcombe_interval() == pytest.approx((0.0569, 0.3404), abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=30))
def test_the_cluster_bootstrap_resamples_whole_clusters(clusters: list[tuple[int, int]]) -> None:
    counts, missed = np.array(clusters, dtype=float).T
    drawn = np.random.default_rng(20).integers(len(counts), size=(10_000, len(counts)))
    plain = np.quantile(counts[drawn].sum(axis=1) / (counts + missed)[drawn].sum(axis=1), [0.025, 0.975])
    assert cluster_bootstrap(counts, counts + missed) == pytest.approx(tuple(plain), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=40))
def test_the_quantile_bootstrap_resamples_single_values(forces: list[float]) -> None:
    values = np.array(forces)
    drawn = values[np.random.default_rng(0).integers(len(values), size=(2_000, len(values)))]
    plain = np.quantile(np.quantile(drawn, 0.95, axis=1), [0.025, 0.975])
    assert quantile_bootstrap(values, 0.95) == pytest.approx(tuple(plain), abs=1e-9)
