"""Figures of rounds: tries of one round are not taken to be independent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.declutter_statistics import bootstrap
from autoglm_embodied_sim.eval.measure import GraspResult, Measurement, add_measured
from autoglm_embodied_sim.eval.result_cache import ResultCache

from autoglm_embodied.metrics import Report, wilson

ONES = np.ones(40)


def round_of(policy: str, seed: int, successes: int, tries: int) -> RoundResult:
    return RoundResult(
        *("declutter", policy, seed, "", successes == 5, False, tries, tries, False, 8.0 * tries),
        successes=successes,
        removed=successes,
        objects=5,
    )


def reported(*results: GraspResult, suite: str = "declutter") -> Report:
    report = Report("autoglm evaluate", 0, 0)
    policies = tuple(dict.fromkeys(result.policy for result in results))
    add_measured(report, Measurement((suite,), policies, episodes=len(results)), results)
    return report


def test_tries_and_objects_are_counted_over_all_rounds() -> None:
    report = reported(round_of("script", 0, 5, 6), round_of("script", 1, 1, 3))
    case = "declutter/script/gantry"
    assert report.value("grasp.success", case=case, stat="per_attempt") == pytest.approx(6 / 9)
    assert report.value("grasp.success", case=case, stat="cleared") == pytest.approx(0.6)
    assert report.value("grasp.seconds", case=case, stat="p50") == pytest.approx(8.0)
    n = {(row.figure, row.stat): row.n for row in report.rows}
    assert n["grasp.success", "per_attempt"] == 9 and n["grasp.success", "cleared"] == 2


def test_rounds_that_differ_widen_the_interval_beyond_that_of_independent_tries() -> None:
    rounds = [round_of("script", seed, *((5, 5) if seed % 2 else (0, 2))) for seed in range(40)]
    report = reported(*rounds)
    by_round, by_try = (
        next(row.ci95 for row in report.rows if row.stat == stat) for stat in ("per_attempt", "per_attempt_wilson")
    )
    assert by_round is not None and by_try is not None
    assert by_round[1] - by_round[0] > 1.15 * (by_try[1] - by_try[0])


def test_a_policy_is_held_against_the_script_round_by_round() -> None:
    rounds = [round_of("script", seed, 4 + seed % 2, 6) for seed in range(20)]
    rounds += [round_of("pca", seed, 3 + seed % 2, 6) for seed in range(20)]
    row = next(row for row in reported(*rounds).rows if row.figure == "grasp.minus_baseline")
    assert row.value == pytest.approx(-1 / 6) and row.stat == "per_attempt" and row.n == 20
    assert row.ci95 == pytest.approx((-1 / 6, -1 / 6))  # the same in every round


def test_the_interval_is_a_function_of_the_rounds() -> None:
    counts = np.random.default_rng(0).integers(0, 6, 40).astype(float)
    assert bootstrap(counts, 5 * ONES) == bootstrap(counts, 5 * ONES)
    low, high = bootstrap(counts, 5 * ONES)
    error = 1.96 * np.std(counts / 5) / np.sqrt(40)
    assert (low, high) == pytest.approx((counts.mean() / 5 - error, counts.mean() / 5 + error), abs=0.02)


def test_perfect_rounds_are_no_certainty() -> None:
    assert bootstrap(5 * ONES, 5 * ONES) == wilson(40, 40)
    assert bootstrap(0 * ONES, 5 * ONES) == wilson(0, 40)


def test_no_rounds_are_skipped_and_never_zero() -> None:
    report = Report("autoglm evaluate", 0, 0)
    add_measured(report, Measurement(("declutter",), ("script",), episodes=1), [])
    assert report.rows == [] and {skipped.figure for skipped in report.skipped} == {"grasp.success", "grasp.seconds"}


def test_finished_rounds_are_read_as_what_they_were(tmp_path: Path) -> None:
    results = [round_of("script", 0, 5, 6), GraspResult("pile", "pca", 1, "thing", True, False, 1, 1, True, 5.0)]
    finished = ResultCache(tmp_path, {})
    for result in results:
        finished.add(result)
    finished.close()
    again = ResultCache(tmp_path, {})
    again.close()
    assert list(again.results.values()) == results


def test_scenes_to_refuse_count_for_no_figure_of_scripts() -> None:
    def report(seed: int, kind: str, held: bool) -> GraspResult:
        return GraspResult("language", "script", seed, "", held, False, 1, 1, True, 5.0, "grab the can", kind)

    report = reported(report(0, "one", True), report(1, "none", False), report(2, "many", False), suite="language")
    row = next(row for row in report.rows if row.stat == "final")
    assert row.value == 1.0 and row.n == 1
    assert "grasp.refused_rightly" in {skipped.figure for skipped in report.skipped}
    assert len(report.details["episodes"]) == 3
