"""Figures of what happened in the episodes: force on the wrist, and why the failed ones failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from autoglm_embodied.metrics import Report
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.failure import Failure

RESAMPLES, BOOTSTRAP_SEED = 2_000, 0
PEAK_QUANTILE = 0.95


def add_facts(report: Report, case: str, results: Sequence[GraspResult]) -> None:
    """Peak force and the classes of failure that occurred as rows; the count of every class in the details."""
    add_peak_force(report, case, results)
    counts = failure_counts(results)
    for failure, count in counts.items():
        if count and failure is not Failure.NONE:
            report.add_fraction("grasp.failures", count, len(results), case=case, stat=failure.value)
    report.details.setdefault("failures", {})[case] = {failure.value: count for failure, count in counts.items()}


def add_peak_force(report: Report, case: str, results: Sequence[GraspResult]) -> None:
    """The force that a twentieth of the episodes, or rounds, exceeded."""
    peaks = np.array([result.peak_force_n for result in results if result.peak_force_n is not None])
    if len(peaks):
        value, ci95 = float(np.quantile(peaks, PEAK_QUANTILE)), quantile_interval(peaks, PEAK_QUANTILE)
        report.add("grasp.peak_force_n", value, "N", len(peaks), case=case, stat="p95", ci95=ci95)
    else:
        report.skip("grasp.peak_force_n", f"no wrist was watched in {case}")


def failure_counts(results: Sequence[GraspResult]) -> dict[Failure, int]:
    """How many episodes ended in each class, those that nobody watched left out."""
    counted = Counter(result.failure for result in results)
    return {failure: counted[failure] for failure in Failure}


def quantile_interval(values: FloatArray, quantile: float) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a quantile of `values` (n,); the same at every call."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = values[rng.integers(len(values), size=(RESAMPLES, len(values)))]
    low, high = np.quantile(np.quantile(drawn, quantile, axis=1), (0.025, 0.975))
    return float(low), float(high)
