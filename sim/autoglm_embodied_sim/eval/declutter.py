"""Rounds of declutter: objects are taken off the table one after the other, whichever the policy likes.

The protocol is that of VGN (Breyer et al., CoRL 2020) and GIGA (Jiang et al., RSS 2021): a round ends when the table is
empty or two tries in a row have failed; the figures are successful tries over tries, and the share of the objects that
was cleared. A try succeeds if something is held after lift and shake; all that is held is then taken away.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from autoglm_embodied.grasping.grasp import let_go
from autoglm_embodied_sim.eval.altered_senses import AlteredSenses
from autoglm_embodied_sim.eval.episode import Attempt, GraspResult, Scenario, attempt_and_judge
from autoglm_embodied_sim.policies.baselines import baseline_named
from autoglm_embodied_sim.robots.layout import put_away, settle

FAILURES = 2
"""So many in a row end a round."""


@dataclass(frozen=True, kw_only=True)
class RoundResult(GraspResult):
    """How one round ended; `tries` and `approaches` are those of the whole round, `held` says that all is cleared."""

    successes: int  # tries after which something was held
    removed: int  # objects
    objects: int  # in the round


@dataclass(frozen=True)
class RoundOutcome:
    """How the tries of a round went, in their order."""

    outcomes: tuple[bool, ...]
    left: frozenset[int]  # objects still on the table


def run_round(scenario: Scenario, policy: str, senses: AlteredSenses | None = None) -> RoundResult:
    """Lay out a scene and let a baseline clear it; a function of its arguments alone."""
    task = scenario.lay_out()
    rig, objects = task.rig, len(task.scene.objects)
    baseline, rng, senses = baseline_named(policy), np.random.default_rng([scenario.seed, 1]), senses or AlteredSenses()
    attempts: list[Attempt] = []

    def take_away(left: frozenset[int]) -> frozenset[int]:
        """One try; what was held after lift and shake is taken away, the hand leaves, and the rest comes to lie."""
        attempts.append(attempt_and_judge(rig, baseline, None, rng, senses))
        held = left.intersection(attempts[-1].verdict.held)
        for obj in held:
            put_away(rig, obj)
        let_go(rig)
        settle(rig)
        return held

    try:
        outcome = run_tries(take_away, objects)
    finally:
        rig.close()
    return RoundResult(
        suite=scenario.suite.name,
        policy=policy,
        seed=scenario.seed,
        target="",
        held=not outcome.left,
        wrong_object=False,
        approaches=sum(each.report.approaches for each in attempts),
        tries=len(outcome.outcomes),
        confident=False,
        seconds=reduce(operator.add, (each.seconds for each in attempts), 0.0),
        peak_force_n=max((each.peak_force_n or 0.0 for each in attempts), default=None),
        successes=sum(outcome.outcomes),
        removed=objects - len(outcome.left),
        objects=objects,
    )


def run_tries(attempt: Callable[[frozenset[int]], frozenset[int]], objects: int) -> RoundOutcome:
    """Try until nothing is left or FAILURES tries in a row have failed.

    Args:
        attempt: makes one try, given the objects that are left; returns those that it took away.
        objects: how many there are.
    """
    outcomes: list[bool] = []
    left = frozenset(range(objects))
    while left and (len(outcomes) < FAILURES or any(outcomes[-FAILURES:])):
        taken = attempt(left)
        outcomes.append(bool(taken))
        left -= taken
    return RoundOutcome(tuple(outcomes), left)
