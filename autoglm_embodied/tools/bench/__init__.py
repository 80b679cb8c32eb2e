"""Benchmarks: cost, losses and errors of the parts, a module for each `autoglm bench`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoglm_embodied.metrics import Report
from autoglm_embodied.types import FloatArray


def add_percentiles(
    report: Report, figure: str, unit: str, values: Sequence[float] | FloatArray, case: str | None = None
) -> None:
    """Add the median and the 99th percentile of a figure; the arguments are those of `Row`, `values` all samples."""
    for stat, percent in (("p50", 50), ("p99", 99)):
        report.add(figure, float(np.percentile(values, percent)), unit, len(values), case=case, stat=stat)
