"""Error against the frequency of the motion, as an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench.align_error import CAMERA_HZ, JOINTS_HZ, by_frequency

FREQUENCIES_HZ = np.geomspace(0.1, 12.0, 15)
PANELS = ("vector", f"joints at {JOINTS_HZ:.0f} Hz"), ("latent", f"frames at {CAMERA_HZ:.0f} Hz")
COLOURS = {"aligned": "#1565c0", "nearest": "#ef6c00", "last": "#c62828"}


def plot(path: Path, report: Report, rng: np.random.Generator) -> None:
    """Draw RMS error over signal RMS, aligned, nearest and last; the points also go to the report."""
    rows = by_frequency(FREQUENCIES_HZ, rng)
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
