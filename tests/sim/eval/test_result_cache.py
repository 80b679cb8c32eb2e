"""What a result cache holds is what was put there."""

from __future__ import annotations

from pathlib import Path

from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.measure import ResultCache


def test_finished_rounds_are_read_as_what_they_were(tmp_path: Path) -> None:
    rounds = RoundResult(
        *("declutter", "script", 0, "", True, False, 6, 6, False, 48.0), successes=5, removed=5, objects=5
    )
    results = [rounds, GraspResult("pile", "pca", 1, "red box", True, False, 1, 1, True, 5.0)]
    finished = ResultCache(tmp_path, {})
    for result in results:
        finished.add(result)
    finished.close()
    again = ResultCache(tmp_path, {})
    again.close()
    assert list(again.results.values()) == results
