"""The metrics of suites: success, paired difference from the strongest baseline, time, force, classes of failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np

from autoglm_embodied.metrics import Report, wilson
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.eval.altered_senses import READERS
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.failure import Failure
from autoglm_embodied_sim.eval.measure import Measurement
from autoglm_embodied_sim.eval.statistics import PairedOutcomes, cluster_bootstrap, quantile_bootstrap
from autoglm_embodied_sim.language.instruction import Kind
from autoglm_embodied_sim.scenes.suite import suite_named

STRONGEST = "script"
"""The baseline that every other policy is compared with."""
PEAK_QUANTILE = 0.95
NO_REFUSALS = "it is told where an instruction fits none or several objects, so it cannot refuse wrongly"
PRIVILEGES = (
    "baselines are told by the simulator which pixels belong to the named object, the policies named and learned only "
    "what is said; "
    "script_true_camera, scored_true_camera and the expert are privileged: those are shown where the camera really "
    "stands, the expert the simulator's whole state, and it tries grasps out in copies of it"
)


def add_metrics(report: Report, wanted: Measurement, results: Sequence[GraspResult]) -> None:
    """Add the rows of every policy in every suite, and the single episodes as a detail.

    Args:
        report: gets the rows.
        wanted: what was measured.
        results: of all its episodes, those of a suite and policy in the order of their seeds.
    """
    episodes = [{"case": wanted.case(result.suite, result.policy), **asdict(result)} for result in results]
    report.details["episodes"] = [*report.details.get("episodes", ()), *episodes]
    for suite in wanted.suites:
        of_policy = {policy: _of(results, suite, policy, graspable=True) for policy in wanted.policies}
        if suite_named(suite).named:
            _add_named(report, wanted, suite, of_policy)
        else:
            _add_declutter(report, wanted, suite, of_policy)
        if suite_named(suite).refusals:
            _add_refusals(report, wanted, suite, results)
    report.details["note"] = PRIVILEGES
    report.details["objects"] = str(wanted.objects or f"random_urdfs, {wanted.split} split")


def _of(results: Sequence[GraspResult], suite: str, policy: str, graspable: bool) -> list[GraspResult]:
    """The episodes of one suite and policy in which there was one object to grasp, or those in which there was not."""
    mine = [result for result in results if (result.suite, result.policy) == (suite, policy)]
    return [result for result in mine if (result.kind in (None, Kind.ONE.value)) == graspable]


def failure_counts(results: Sequence[GraspResult]) -> dict[Failure, int]:
    """How many episodes ended in each class; those that nobody watched are left out."""
    counted = Counter(result.failure for result in results)
    return {failure: counted[failure] for failure in Failure}


def _add_named(report: Report, wanted: Measurement, suite: str, of_policy: dict[str, list[GraspResult]]) -> None:
    """The rows of a suite in which one object is named; final success also less the strongest baseline's, by seed."""
    for policy, results in of_policy.items():
        case = wanted.case(suite, policy)
        add_success(report, case, results)
        if policy in READERS and results:
            report.add_fraction("grasp.refused", sum(r.refused for r in results), len(results), case=case)
        _add_peak_force(report, case, results)
        _add_failures(report, case, results)
    for policy, results in of_policy.items():
        if policy != STRONGEST and results and of_policy.get(STRONGEST):
            case = wanted.case(suite, policy)
            _add_difference(report, "grasp.minus_baseline", case, results, of_policy[STRONGEST])


def add_minus_plain(
    report: Report, wanted: Measurement, results: Sequence[GraspResult], plain: Sequence[GraspResult]
) -> None:
    """What altered senses change: the difference of each policy in each suite from itself, seed by seed.

    Args:
        report: gets the rows.
        wanted: what was measured.
        results: of all its episodes.
        plain: of the same episodes with nothing altered.
    """
    for suite, policy in product(wanted.suites, wanted.policies):
        mine, others = (_of(each, suite, policy, graspable=True) for each in (results, plain))
        if mine:
            _add_difference(report, "grasp.minus_plain", wanted.case(suite, policy), mine, others)


def add_chance(report: Report, wanted: Measurement, scenes: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> None:
    """How often an object drawn at random would be the one that is named.

    Args:
        report: gets a row for each policy in each suite.
        wanted: what was measured.
        scenes: see drawn_scenes.
    """
    for suite, policy in product(wanted.suites, wanted.policies):
        shares = [1 / len(scene["objects"]) for scene in scenes[suite].values()]
        report.add("grasp.chance", float(np.mean(shares)), "fraction", len(shares), case=wanted.case(suite, policy))


def _add_difference(
    report: Report, figure: str, case: str, results: Sequence[GraspResult], others: Sequence[GraspResult]
) -> None:
    """Success less that of others on the same seeds: final, or of rounds per attempt."""
    if rounds := _rounds(results):
        return _add_rounds_difference(report, figure, case, rounds, _rounds(others))
    outcomes = PairedOutcomes.of([result.held for result in results], [other.held for other in others])
    n, interval = outcomes.n, outcomes.newcombe_interval()
    report.add(figure, outcomes.difference, "fraction", n, case=case, ci95=interval)
    report.add(figure, outcomes.mcnemar_p(), "probability", n, case=case, stat="mcnemar_p")


def add_success(report: Report, case: str, results: Sequence[GraspResult]) -> None:
    """Success with Wilson intervals, wrong objects and time of the episodes of one case.

    Args:
        report: gets the rows.
        case: their name.
        results: the episodes.
    """
    n = len(results)
    for stat, field in (("first_descent", "first_descent"), ("strict", "strict"), ("final", "held")):
        held = sum(getattr(result, field) for result in results)
        report.add_fraction("grasp.success", held, n, case=case, stat=stat)
    report.add_fraction("grasp.wrong_object", sum(result.wrong_object for result in results), n, case=case)
    if not results:
        report.skip("grasp.seconds", f"no trial of {case} was run")
        return
    report.add("grasp.seconds", float(np.median([r.seconds for r in results])), "s", n, case=case, stat="p50")


def _add_peak_force(report: Report, case: str, results: Sequence[GraspResult]) -> None:
    """The 95th percentile of the peak force over the episodes, or rounds."""
    peaks = np.array([result.peak_force_n for result in results if result.peak_force_n is not None])
    if len(peaks) == 0:
        report.skip("grasp.peak_force_n", f"no wrist was watched in {case}")
        return
    value, ci95 = float(np.quantile(peaks, PEAK_QUANTILE)), quantile_bootstrap(peaks, PEAK_QUANTILE)
    report.add("grasp.peak_force_n", value, "N", len(peaks), case=case, stat="p95", ci95=ci95)


def _add_failures(report: Report, case: str, results: Sequence[GraspResult]) -> None:
    """The classes that occurred as rows; the count of every class as a detail."""
    counts = failure_counts(results)
    for failure, count in counts.items():
        if count and failure is not Failure.NONE:
            report.add_fraction("grasp.failures", count, len(results), case=case, stat=failure.value)
    report.details.setdefault("failures", {})[case] = {failure.value: count for failure, count in counts.items()}


def _add_refusals(report: Report, wanted: Measurement, suite: str, results: Sequence[GraspResult]) -> None:
    """How often a policy refused an instruction that fits none or several objects, and grasped nothing."""
    for policy in wanted.policies:
        if policy in READERS:
            to_refuse = _of(results, suite, policy, graspable=False)
            rightly = sum(result.refused and not result.wrong_object for result in to_refuse)
            report.add_fraction("grasp.refused_rightly", rightly, len(to_refuse), case=wanted.case(suite, policy))
        else:
            report.skip("grasp.refused_rightly", f"{policy}: {NO_REFUSALS}")


def _add_declutter(report: Report, wanted: Measurement, suite: str, of_policy: dict[str, list[GraspResult]]) -> None:
    """The rows of a suite of rounds, and the difference of each policy from the strongest baseline."""
    rounds = {policy: _rounds(of) for policy, of in of_policy.items()}
    for policy, mine in rounds.items():
        case = wanted.case(suite, policy)
        if not mine:
            for figure in ("grasp.success", "grasp.seconds"):
                report.skip(figure, f"no round of {case} was run")
            continue
        _add_rounds(report, case, mine)
        if policy != STRONGEST and rounds.get(STRONGEST):
            _add_rounds_difference(report, "grasp.minus_baseline", case, mine, rounds[STRONGEST])


def _add_rounds(report: Report, case: str, rounds: Sequence[RoundResult]) -> None:
    """Success per attempt, share cleared, force and time.

    `per_attempt_wilson` repeats `per_attempt` with the interval that other papers give. It takes the tries of a round
    to be independent, which they are not, and is there to compare with them.
    """
    tries, successes = _tries_and_successes(rounds)
    cleared = np.array([row.removed / row.objects for row in rounds])
    n, count, share = int(tries.sum()), int(successes.sum()), float(cleared.mean())
    for stat, value, trials, interval in (
        ("per_attempt", count / n, n, cluster_bootstrap(successes, tries)),
        ("per_attempt_wilson", count / n, n, wilson(count, n)),
        ("cleared", share, len(rounds), cluster_bootstrap(cleared, np.ones(len(rounds)))),
    ):
        report.add("grasp.success", value, "fraction", trials, case=case, stat=stat, ci95=interval)
    _add_peak_force(report, case, rounds)
    seconds = float(np.median([row.seconds / row.tries for row in rounds]))
    report.add("grasp.seconds", seconds, "s", len(rounds), case=case, stat="p50")


def _add_rounds_difference(
    report: Report, figure: str, case: str, rounds: Sequence[RoundResult], others: Sequence[RoundResult]
) -> None:
    """Success per attempt less that of others; rounds of one seed are resampled together."""
    (tries, successes), (other_tries, other_successes) = map(_tries_and_successes, (rounds, others))
    value = float(successes.sum() / tries.sum() - other_successes.sum() / other_tries.sum())
    interval, n = cluster_bootstrap(successes, tries, other_successes, other_tries), len(rounds)
    report.add(figure, value, "fraction", n, case=case, stat="per_attempt", ci95=interval)


def _rounds(results: Sequence[GraspResult]) -> list[RoundResult]:
    return [result for result in results if isinstance(result, RoundResult)]


def _tries_and_successes(rounds: Sequence[RoundResult]) -> tuple[FloatArray, FloatArray]:
    """(n,) each, a round an element."""
    tries, successes = np.array([(row.tries, row.successes) for row in rounds], dtype=float).T
    return tries, successes
