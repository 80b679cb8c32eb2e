"""Rounds: they end when nothing is left or two tries in a row failed, and what was held is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from autoglm_embodied_sim.eval.declutter import RoundOutcome, run_round, run_tries
from autoglm_embodied_sim.eval.episode import Scenario
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.policies.baselines import BASELINES
from autoglm_embodied_sim.scenes.suite import SUITES

BRICKS = [box(0.05, 0.06, 0.06), box(0.06, 0.05, 0.05)]
EASY = replace(SUITES["declutter"].eased(), objects=2, piled=False)


def outcome_of(script: Sequence[set[int]], objects: int) -> RoundOutcome:
    """A round whose tries take away what `script` says, one after the other."""
    takes = iter(script)
    return run_tries(lambda left: left.intersection(next(takes)), objects)


@pytest.mark.parametrize(
    ("script", "outcomes", "left"),
    [
        ([{0}, {1}, {2}], [True, True, True], set()),
        ([set(), set()], [False, False], {0, 1, 2}),
        ([{1}, set(), set()], [True, False, False], {0, 2}),
        ([set(), {1}, set(), {0}, set(), {2}], [False, True, False, True, False, True], set()),
        ([{0, 2}, {1}], [True, True], set()),
    ],
)
def test_a_round_ends_when_empty_or_after_two_failures_in_a_row(
    script: list[set[int]], outcomes: list[bool], left: set[int]
) -> None:
    assert outcome_of(script, 3) == RoundOutcome(tuple(outcomes), frozenset(left))


@pytest.mark.parametrize("policy", [name for name in BASELINES if name != "random"])
def test_every_baseline_clears_bricks_of_its_own_choice(policy: str) -> None:
    result = run_round(Scenario(EASY, BRICKS, 1), policy)
    assert result.objects == result.removed == 2
    assert result.successes <= result.tries <= result.approaches
    assert result.held and result.seconds > 2


def test_a_round_follows_from_its_seed() -> None:
    assert run_round(Scenario(EASY, BRICKS, 2), "random") == run_round(Scenario(EASY, BRICKS, 2), "random")
