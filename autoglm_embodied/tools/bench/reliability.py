"""Reliability of the confidence of spoken commands: its calibration, and the plot of how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import wilson
from autoglm_embodied.types import FloatArray
from autoglm_embodied.voice.interpretation import MARGIN, SHARPNESS, WEIGHTS

BINS = 10
RIDGE = 0.01  # keeps weights finite where right and wrong are apart
LEAST = 1e-9  # below 1, of a probability

Trial = tuple[float, tuple[float, ...], bool]
"""An utterance that may be a command: confidence, features, and whether it was that command."""


def calibrate(trials: Sequence[Trial]) -> FloatArray:
    """Weights (len(WEIGHTS),) with which the probability of an interpretation is likeliest.

    Raises:
        ConfigError: the trials are all right, or all wrong.
    """
    from scipy.optimize import minimize

    features = np.array([trial[1] for trial in trials]).reshape(-1, len(WEIGHTS))
    right = np.array([trial[2] for trial in trials], dtype=bool)
    if right.all() or not right.any():
        raise ConfigError("calibration needs commands that were recognised rightly and others; give more speech")

    def loss(weights: FloatArray) -> float:
        fits = -np.logaddexp(0.0, -(features @ weights)) - np.logaddexp(
            0.0, -SHARPNESS * features[:, MARGIN]
        )  # log probability
        wrong = np.log1p(-np.exp(np.minimum(fits, -LEAST)))
        return float(-np.mean(np.where(right, fits, wrong)) + RIDGE * np.mean(weights**2))

    return np.asarray(minimize(loss, np.zeros(len(WEIGHTS))).x)


def draw_reliability(trials: Sequence[Trial], path: Path) -> None:
    """Draw how often commands are right against their confidence, with Wilson 95 % intervals."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for low in np.arange(BINS) / BINS:
        among = [trial for trial in trials if low <= trial[0] < low + 1 / BINS or (low == 0.9 and trial[0] == 1.0)]
        if among:
            right, n = sum(trial[2] for trial in among), len(among)
            confidence = float(np.mean([trial[0] for trial in among]))
            below, above = wilson(right, n)
            axes.plot([confidence, confidence], [below, above], color="tab:blue", linewidth=1)
            axes.plot(confidence, right / n, "o", color="tab:blue")
            axes.annotate(str(n), (confidence, right / n), xytext=(5, -9), textcoords="offset points", fontsize=8)
    axes.set(xlabel="confidence", ylabel="fraction that was meant", xlim=(0, 1), ylim=(0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
