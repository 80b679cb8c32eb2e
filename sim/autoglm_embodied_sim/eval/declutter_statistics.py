"""Figures of rounds, whose tries are not independent: intervals come from drawing whole rounds anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autoglm_embodied.metrics import Report, wilson
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.metrics import add_peak_force

RESAMPLES = 10_000
SEED = 20
"""Of the bootstrap: the interval of the same rounds is always the same."""


def add_declutter(report: Report, cases: Mapping[str, str], rounds: Sequence[RoundResult], strongest: str) -> None:
    """Successful tries over tries, share cleared and time of each policy, and its difference from the strongest.

    Args:
        report: gets the rows.
        cases: their names, by policy.
        rounds: of all policies, on the same seeds.
        strongest: the policy that the others are held against.
    """
    of_policy = {policy: [row for row in rounds if row.policy == policy] for policy in cases}
    for policy, case in cases.items():
        if not of_policy[policy]:
            report.skip("grasp.success", f"no round of {case} was run")
            report.skip("grasp.seconds", f"no round of {case} was run")
            continue
        _add_case(report, case, of_policy[policy])
        if policy != strongest and of_policy.get(strongest):
            _add_difference(report, case, of_policy[policy], of_policy[strongest])


def _add_case(report: Report, case: str, rounds: Sequence[RoundResult]) -> None:
    """`per_attempt_wilson` repeats `per_attempt` with the interval that other papers give.

    It takes the tries of a round to be independent, which they are not, and is there to compare with them.
    """
    tries, successes, shares = _columns(rounds)
    n, count = int(tries.sum()), int(successes.sum())
    cleared, ones = float(shares.mean()), np.ones(len(rounds))
    intervals = {"per_attempt": bootstrap(successes, tries), "per_attempt_wilson": wilson(count, n)}
    for stat, interval in intervals.items():
        report.add("grasp.success", count / n, "fraction", n, case=case, stat=stat, ci95=interval)
    interval = bootstrap(shares, ones)
    report.add("grasp.success", cleared, "fraction", len(rounds), case=case, stat="cleared", ci95=interval)
    add_peak_force(report, case, rounds)
    seconds = float(np.median([row.seconds / row.tries for row in rounds]))
    report.add("grasp.seconds", seconds, "s", len(rounds), case=case, stat="p50")


def _add_difference(report: Report, case: str, rounds: Sequence[RoundResult], strongest: Sequence[RoundResult]) -> None:
    """Successful tries over tries less those of the strongest script; rounds of one seed are drawn together."""
    (tries, successes, _), (its_tries, its_successes, _) = _columns(rounds), _columns(strongest)
    difference = float(successes.sum() / tries.sum() - its_successes.sum() / its_tries.sum())
    interval = bootstrap(successes, tries, its_successes, its_tries)
    report.add(
        "grasp.minus_baseline", difference, "fraction", len(rounds), case=case, stat="per_attempt", ci95=interval
    )


def bootstrap(
    counts: FloatArray,
    of: FloatArray,
    minus_counts: FloatArray | None = None,
    minus_of: FloatArray | None = None,
) -> tuple[float, float]:
    """95 % percentile interval of a ratio of sums over rounds, or of the difference of two of the same rounds.

    Where all rounds went perfectly, or all to nothing, drawing them anew says nothing; then the interval is that of as
    many trials as there are rounds.

    Args:
        counts: (n,) of each round.
        of: (n,) of each round.
        minus_counts: (n,) of the ratio that is taken off.
        minus_of: (n,) likewise.
    """
    if minus_counts is None and ((counts == of).all() or not counts.any()):
        return wilson(len(counts) if counts.any() else 0, len(counts))
    drawn = np.random.default_rng(SEED).integers(len(counts), size=(RESAMPLES, len(counts)))
    ratio = counts[drawn].sum(axis=1) / of[drawn].sum(axis=1)
    if minus_counts is not None and minus_of is not None:
        ratio = ratio - minus_counts[drawn].sum(axis=1) / minus_of[drawn].sum(axis=1)
    low, high = np.quantile(ratio, [0.025, 0.975])
    return float(low), float(high)


def _columns(rounds: Sequence[RoundResult]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(n,) tries, successes and share cleared of each round."""
    columns = [(row.tries, row.successes, row.removed / row.objects) for row in rounds]
    tries, successes, shares = np.array(columns, dtype=float).T
    return tries, successes, shares
