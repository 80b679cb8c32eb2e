"""Signals whose value is known at every instant, so that an error can be told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoglm_embodied.types import FloatArray

Signal = Callable[[FloatArray], FloatArray]
"""Seconds (n,) to values (n, width)."""

TONES = 40
SPIKE_S = 0.004
SPIKE_N = 20.0


def sine(frequency_hz: float, width: int, amplitude: float = 1.0) -> Signal:
    """One frequency, each number with its own phase."""
    phase = np.linspace(0.0, np.pi, width, endpoint=False)
    return lambda seconds: amplitude * np.sin(2 * np.pi * frequency_hz * seconds[:, None] + phase)


def band_limited(highest_hz: float, width: int, rng: np.random.Generator, amplitude: float = 1.0) -> Signal:
    """All frequencies up to `highest_hz` alike, with random phases; root mean square `amplitude`."""
    frequency_hz = rng.uniform(0.0, highest_hz, (TONES, 1, width))
    phase = rng.uniform(0.0, 2 * np.pi, (TONES, 1, width))
    scale = amplitude * np.sqrt(2 / TONES)
    return lambda seconds: scale * np.sin(2 * np.pi * frequency_hz * seconds[:, None] + phase).sum(axis=0)


def chirp(first_hz: float, last_hz: float, seconds: float, width: int, amplitude: float = 1.0) -> Signal:
    """A tone that rises evenly from one frequency to the other."""
    rise = (last_hz - first_hz) / seconds
    phase = np.linspace(0.0, np.pi, width, endpoint=False)
    return lambda at: amplitude * np.sin(2 * np.pi * (first_hz * at + 0.5 * rise * at**2)[:, None] + phase)


def slew(speed: float, turn_s: float, width: int) -> Signal:
    """To and fro at constant speed, with a corner every `turn_s`."""
    return lambda seconds: np.repeat(speed * turn_s * np.abs((seconds / turn_s) % 2.0 - 1.0)[:, None], width, axis=1)


def spikes(instants_s: FloatArray) -> Signal:
    """Short contacts: half sines of 20 N and 4 ms that begin at these instants, along z; (n, 6)."""

    def wrench(seconds: FloatArray) -> FloatArray:
        begun = np.searchsorted(instants_s, seconds, side="right") - 1
        since = np.where(begun >= 0, seconds - instants_s[np.maximum(begun, 0)], np.inf)
        values = np.zeros((len(seconds), 6))
        values[:, 2] = np.where(since < SPIKE_S, SPIKE_N * np.sin(np.pi * np.minimum(since, SPIKE_S) / SPIKE_S), 0.0)
        return values

    return wrench
