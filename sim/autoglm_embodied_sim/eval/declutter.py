"""Rounds of declutter: objects are taken off the table one after the other, whichever the policy likes.

The protocol is that of VGN (Breyer et al., CoRL 2020) and GIGA (Jiang et al., RSS 2021): a round ends when the table is
empty or two tries in a row have failed; the figures are successful tries over tries, and the share of the objects that
was cleared. A try succeeds if something is held after lift and shake; all that is held is then taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.observed_rig import ObservedRig
from autoglm_embodied_sim.eval.scenario import Scenario
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.policies.baselines import Baseline
from autoglm_embodied_sim.policies.grasp import let_go
from autoglm_embodied_sim.policies.registry import baseline_named
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce, SuiteRig
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


def run_round(scenario: Scenario, policy: str, without: Sequence[str] = ()) -> RoundResult:
    """Lay out a scene and let a baseline clear it; a function of its arguments alone."""
    task = scenario.lay_out()
    count = len(task.scene.objects)
    rng = np.random.default_rng([scenario.seed, 1])
    table = _Table(task.rig, baseline_named(policy), rng, feels="force" not in without)
    try:
        outcome = run_tries(table.attempt, count)
    finally:
        table.rig.close()
    return RoundResult(
        suite=scenario.suite.name,
        policy=policy,
        seed=scenario.seed,
        target="",
        held=not outcome.left,
        wrong_object=False,
        approaches=table.approaches,
        tries=len(outcome.outcomes),
        confident=False,
        seconds=table.seconds,
        peak_force_n=table.peak_force_n,
        successes=sum(outcome.outcomes),
        removed=count - len(outcome.left),
        objects=count,
    )


@dataclass
class _Table:
    """What a policy clears in a round, and what it took so far."""

    rig: SuiteRig
    baseline: Baseline
    rng: np.random.Generator
    feels: bool
    approaches: int = 0
    peak_force_n: float | None = None  # on the wrist while the policy acted, without the hand's weight and noise
    seconds: float = 0.0  # simulated, of the policy alone

    def attempt(self, left: frozenset[int]) -> frozenset[int]:
        """One try; what was held after lift and shake is taken away, the hand leaves, and the rest comes to lie."""
        rig = self.rig
        rest_height_m, began_ns = rig.truth.position_m(rig.data)[:, 2], rig.time_ns
        observed = ObservedRig(rig)
        self.approaches += self.baseline.run(
            observed if self.feels else RigWithoutForce(observed), None, self.rng
        ).approaches
        observed.end()
        self.peak_force_n = max(self.peak_force_n or 0.0, observed.peak_force_n or 0.0)
        self.seconds += (rig.time_ns - began_ns) / 1e9
        held = left.intersection(judge(rig, rest_height_m).held)
        for obj in held:
            put_away(rig, obj)
        let_go(rig)
        settle(rig)
        return held


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
