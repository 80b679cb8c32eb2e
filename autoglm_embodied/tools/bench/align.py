"""`autoglm bench align`: cost, sync quality and error of the one clock, beside what others do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench import align_cost, align_error, align_plot, align_sets


def measure(
    report: Report,
    seed: int,
    hours: float,
    plot: Path | None,
    synchronise: align_sets.Synchronise | str,
    advance: Callable[[str, float], None],
) -> None:
    """Fill the report.

    Args:
        report: filled.
        seed: of all signals; each part draws its own.
        hours: of simulated time over which the memory is watched; 0 leaves that out.
        plot: where the image of error against frequency goes, if anywhere.
        synchronise: the approximate-time synchroniser to compare with, or why there is none.
        advance: told the part that runs and the fraction of it that is done.
    """
    draws = [np.random.default_rng([seed, part]) for part in range(5)]
    advance("sets", 0.0)
    align_sets.measure(report, draws[0], synchronise)
    advance("cost", 0.0)
    align_cost.measure_cost(report, draws[1])
    advance("lock", 0.0)
    align_cost.measure_lock(report, draws[1])
    advance("error", 0.0)
    align_error.measure(report, draws[2])
    if plot is not None:
        advance("plot", 0.0)
        align_plot.plot(plot, report, draws[3])
    if hours > 0:
        align_cost.measure_memory(report, draws[4], hours, lambda done: advance("memory", done))
    else:
        report.skip("align.rss_slope_bytes_per_s", "--hours 0 leaves it out")
