"""How episodes ended, and the figures that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from autoglm_embodied.metrics import Report


@dataclass(frozen=True)
class EpisodeResult:
    """One episode, as the policy told it and as the simulator judged it."""

    seed: int
    sentence: str
    outcome: str
    held: bool  # the named thing and no other, after lift and shake
    wrong_object: bool
    tries: int
    seconds: float
    peak_force_n: float | None  # of the tared wrist; None where it was not watched


def add_figures(report: Report, results: Sequence[EpisodeResult], case: str) -> None:
    """Success with Wilson intervals, wrong objects, time and force; every episode in the details."""
    n = len(results)
    first = sum(result.held and result.tries <= 1 for result in results)
    report.add_fraction("grasp.success", first, n, case=case, stat="first_descent")
    report.add_fraction("grasp.success", sum(result.held for result in results), n, case=case, stat="final")
    report.add_fraction("grasp.wrong_object", sum(result.wrong_object for result in results), n, case=case)
    if n:
        report.add("grasp.seconds", float(np.median([r.seconds for r in results])), "s", n, case=case, stat="p50")
    peaks = [result.peak_force_n for result in results if result.peak_force_n is not None]
    if peaks:
        report.add("grasp.peak_force_n", float(np.quantile(peaks, 0.95)), "N", len(peaks), case=case, stat="p95")
    else:
        report.skip("grasp.peak_force_n", "the wrench is not watched over the graph, nor without force")
    report.details["outcomes"] = dict(Counter(result.outcome for result in results))
    report.details["episodes"] = [asdict(result) for result in results]
