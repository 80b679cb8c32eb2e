from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.eval.paired import Pairs

from autoglm_embodied.errors import ConfigError


def test_outcomes_are_counted_seed_by_seed() -> None:
    assert Pairs.of([True, True, False, False, True], [True, False, True, False, True]) == Pairs(2, 1, 1, 1)
    with pytest.raises(ConfigError, match="as many on both sides, got 1 and 0"):
        Pairs.of([True], [])


@pytest.mark.parametrize(("p1", "p2", "shared"), [(0.9, 0.8, 0.6), (0.95, 0.95, 0.0), (0.5, 0.8, 0.3)])
def test_the_interval_holds_the_true_difference_about_95_times_in_100(p1: float, p2: float, shared: float) -> None:
    rng = np.random.default_rng(0)
    runs, n, held = 2_000, 100, 0
    for _ in range(runs):
        common = rng.random(n)
        first = np.where(rng.random(n) < shared, common, rng.random(n)) < p1
        second = np.where(rng.random(n) < shared, common, rng.random(n)) < p2
        low, high = Pairs.of(first.tolist(), second.tolist()).interval()
        held += low <= p1 - p2 <= high
    assert 0.93 < held / runs < 0.985


def test_pairing_narrows_the_interval_where_policies_fail_on_the_same_seeds() -> None:
    together, apart = Pairs(80, 5, 1, 14).interval(), Pairs(67, 18, 14, 1).interval()
    assert together[1] - together[0] < 0.7 * (apart[1] - apart[0])


def test_intervals_stay_within_the_possible_at_the_edges() -> None:
    for pairs in (Pairs(10, 0, 0, 0), Pairs(0, 0, 0, 10), Pairs(0, 10, 0, 0), Pairs(1, 0, 0, 0)):
        low, high = pairs.interval()
        assert -1 <= low <= pairs.difference <= high <= 1
        assert low < high


def test_chance_is_that_of_a_fair_coin() -> None:
    assert Pairs(50, 4, 17, 29).chance() == pytest.approx(0.0072, abs=1e-4)  # 17 of 21 heads or more, either way
    assert Pairs(50, 3, 3, 0).chance() == 1.0
    assert Pairs(50, 0, 0, 0).chance() == 1.0
