"""Signals known at every instant, as streams that come late, jittered, out of order and with holes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, forward_kinematics
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


IntArray = NDArray[np.int64]
NS_PER_S = 1_000_000_000
EPOCH_NS = 1_700_000_000 * NS_PER_S  # stamps are of 2023, receive times count from 0


@dataclass(frozen=True)
class Way:
    """From a sensor to this machine.

    Attributes:
        delay_s: of every message.
        jitter: of the instant of measuring, in periods: up to so much later than due.
        loss: fraction of the messages that never come.
        overtaking: of the time on the way, in periods: up to so much longer, so that messages overtake one another.
    """

    delay_s: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    overtaking: float = 0.0


@dataclass(frozen=True)
class Messages:
    """Those of a stream that come, in the order of coming."""

    receive_ns: IntArray  # (n,)
    stamp_ns: IntArray  # (n,)
    values: FloatArray  # (n, width)


def deliver(signal: Signal, rate_hz: float, seconds: float, way: Way, rng: np.random.Generator) -> Messages:
    """Measure a signal from 0 to `seconds` and send what was measured on its way."""
    period_ns = NS_PER_S / rate_hz
    due_ns = (np.arange(int(seconds * rate_hz)) * period_ns).astype(np.int64)
    due_ns += (rng.random(len(due_ns)) * way.jitter * period_ns).astype(np.int64)
    at_ns = np.unique(due_ns[rng.random(len(due_ns)) >= way.loss])
    receive_ns = at_ns + round(way.delay_s * NS_PER_S)
    if way.overtaking:
        receive_ns += (rng.random(len(at_ns)) * way.overtaking * period_ns).astype(np.int64)
    order = np.argsort(receive_ns, kind="stable")
    return Messages(receive_ns[order], EPOCH_NS + at_ns[order], signal(at_ns[order] / NS_PER_S))


HOME_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8])
MOVING = 9  # seven joints and two fingers
SWING_RAD = 0.1


def kinematics() -> Callable[[FloatArray], FloatArray]:
    """Arm joints (7,) to T_base_tool (4, 4)."""
    robot = Robot.from_file(shipped("panda.yaml"))
    return lambda position_rad: forward_kinematics(robot, position_rad)


def joints_row(move: Signal) -> Signal:
    """Positions and velocities (n, 18) of an arm whose joints swing about its home by `move` (n, 7)."""

    def row(seconds: FloatArray) -> FloatArray:
        values = np.zeros((len(seconds), 2 * MOVING))
        values[:, :7] = HOME_RAD + move(seconds)
        values[:, 7:MOVING] = 0.04
        return values

    return row


def joints_signal(rng: np.random.Generator, rest_s: float = 0.0, highest_hz: float = 5.0) -> Signal:
    """An arm at rest until `rest_s`, then in band-limited motion."""
    move = band_limited(highest_hz, 7, rng, SWING_RAD)
    start = move(np.array([rest_s]))
    return joints_row(lambda seconds: np.where(seconds[:, None] < rest_s, start, move(seconds)))
