"""The metrics of suites: tries of one round are not taken to be independent, policies are compared seed by seed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from autoglm_embodied_sim.eval.altered_senses import SHUFFLED
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.measure import Measurement
from autoglm_embodied_sim.eval.metrics import add_chance, add_metrics, add_minus_plain

from autoglm_embodied.metrics import Report


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
    add_metrics(report, Measurement((suite,), policies, episodes=len(results)), results)
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


def test_no_rounds_are_skipped_and_never_zero() -> None:
    report = Report("autoglm evaluate", 0, 0)
    add_metrics(report, Measurement(("declutter",), ("script",), episodes=1), [])
    assert report.rows == [] and {skipped.figure for skipped in report.skipped} == {"grasp.success", "grasp.seconds"}


def test_scenes_to_refuse_count_for_no_figure_of_scripts() -> None:
    def report(seed: int, kind: str, held: bool) -> GraspResult:
        return GraspResult("language", "script", seed, "", held, False, 1, 1, True, 5.0, "grab the can", kind)

    report = reported(report(0, "one", True), report(1, "none", False), report(2, "many", False), suite="language")
    row = next(row for row in report.rows if row.stat == "final")
    assert row.value == 1.0 and row.n == 1
    assert "grasp.refused_rightly" in {skipped.figure for skipped in report.skipped}
    assert len(report.details["episodes"]) == 3


def test_no_results_are_skipped_and_never_zero() -> None:
    report = Report("autoglm evaluate", 0, 0)
    wanted = Measurement(("pile",), ("script",), episodes=1)
    add_metrics(report, wanted, [])
    assert report.rows == [] and {skipped.figure for skipped in report.skipped} >= {"grasp.success", "grasp.seconds"}


def test_policies_are_held_against_the_strongest_script_seed_by_seed() -> None:
    wanted = Measurement(("pile",), ("pca", "script"), episodes=4)
    outcomes = {"pca": (True, False, False, False), "script": (True, True, True, False)}
    results = [
        GraspResult("pile", policy, seed, "red box", held, False, 1, 1, True, 5.0)
        for policy, all_held in outcomes.items()
        for seed, held in enumerate(all_held)
    ]
    report = Report("autoglm evaluate", 0, 0)
    add_metrics(report, wanted, results)
    assert report.value("grasp.minus_baseline", case="pile/pca/gantry") == -0.5
    assert report.value("grasp.minus_baseline", case="pile/pca/gantry", stat="mcnemar_p") == 0.5
    assert report.value("grasp.minus_baseline", case="pile/script/gantry") is None


def test_altered_senses_are_held_against_the_same_seeds_unaltered_beside_chance() -> None:
    plain = Measurement(("language",), ("named",), episodes=8)
    altered = replace(plain, altered=(SHUFFLED,))

    def results(held: int) -> list[GraspResult]:
        ends = [(seed < held, seed >= held) for seed in plain.seeds]
        return [
            GraspResult("language", "named", seed, "red can", held, False, 1, 1, held, 5.0, "x", "one", refused)
            for seed, (held, refused) in enumerate(ends)
        ]

    report = Report("autoglm evaluate", 0, 0)
    for wanted, held in ((plain, 7), (altered, 1)):
        add_metrics(report, wanted, results(held))
    add_minus_plain(report, altered, results(1), results(7))
    add_chance(report, altered, {"language": {seed: {"objects": [1, 2, 3, 4]} for seed in plain.seeds}})
    case = "language/named/gantry/instruction_shuffled"
    assert report.value("grasp.minus_plain", case=case) == pytest.approx(-6 / 8)
    assert report.value("grasp.minus_plain", case=case, stat="mcnemar_p") == pytest.approx(2 / 2**6)
    assert report.value("grasp.chance", case=case) == 0.25
    assert report.value("grasp.refused", case=case) == pytest.approx(7 / 8)
    assert [episode["case"] for episode in report.details["episodes"]] == 8 * ["language/named/gantry"] + 8 * [case]
