"""`autoglm bench align`: cost, synchronisation and error of the aligner, beside the usual alternatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench import align_cost, align_error, align_sets
from autoglm_embodied.tools.bench.align_error import CAMERA_HZ, JOINTS_HZ, error_by_frequency

FREQUENCIES_HZ = np.geomspace(0.1, 12.0, 15)
PANELS = ("vector", f"joints at {JOINTS_HZ:.0f} Hz"), ("latent", f"frames at {CAMERA_HZ:.0f} Hz")
COLOURS = {"aligned": "#1565c0", "nearest": "#ef6c00", "last": "#c62828"}


def measure(
    report: Report,
    seed: int,
    hours: float,
    plot: Path | None,
    synchronise: align_sets.Synchronise | str,
    progress: Callable[[str, float], None],
) -> None:
    """Measure all and add the figures to the report.

    Args:
        report: filled.
        seed: of the signals; each part has a generator of its own.
        hours: of simulated time for the memory measurement; 0 skips it.
        plot: file for the plot of error against frequency, if any.
        synchronise: the approximate-time synchroniser to compare with, or why there is none.
        progress: called with the running part and the fraction of it that is done.
    """
    generators = [np.random.default_rng([seed, part]) for part in range(5)]
    progress("sets", 0.0)
    align_sets.measure(report, generators[0], synchronise)
    progress("cost", 0.0)
    align_cost.measure_cost(report, generators[1])
    progress("lock", 0.0)
    align_cost.measure_lock(report, generators[1])
    progress("error", 0.0)
    align_error.measure(report, generators[2])
    if plot is not None:
        progress("plot", 0.0)
        plot_error(plot, report, generators[3])
    if hours > 0:
        align_cost.measure_memory(report, generators[4], hours, lambda done: progress("memory", done))
    else:
        report.skip("align.rss_slope_bytes_per_s", "--hours 0 leaves it out")


def plot_error(path: Path, report: Report, rng: np.random.Generator) -> None:
    """Plot RMS error over the signal's RMS against its frequency; the points also go to the report.

    Args:
        path: of the image.
        report: gets the points.
        rng: of the signals.
    """
    rows = error_by_frequency(FREQUENCIES_HZ, rng)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (kind, title) in zip(panels, PANELS, strict=True):
        for name, colour in COLOURS.items():
            axes.loglog(FREQUENCIES_HZ, rows[f"{kind}/{name}"], "o-", markersize=3, color=colour, label=name)
        axes.set_title(title, fontsize="medium")
        axes.set_xlabel("frequency of the motion [Hz]")
        axes.grid(alpha=0.3, which="both")
    panels[0].set_ylabel("RMS error / RMS of the motion")
    panels[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    report.details["error_by_frequency"] = {
        "hz": FREQUENCIES_HZ.round(4).tolist(),
        **{name: values.round(6).tolist() for name, values in rows.items()},
    }
