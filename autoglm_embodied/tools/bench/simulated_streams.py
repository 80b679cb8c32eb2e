"""Signals known at every instant, sampled and transported with delay, jitter, loss and reordering."""

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
    """A sine in each channel, with a phase of its own.

    Args:
        frequency_hz: of all channels.
        width: number of channels.
        amplitude: of each.
    """
    phase = np.linspace(0.0, np.pi, width, endpoint=False)
    return lambda seconds: amplitude * np.sin(2 * np.pi * frequency_hz * seconds[:, None] + phase)


def band_limited(highest_hz: float, width: int, rng: np.random.Generator, amplitude: float = 1.0) -> Signal:
    """A sum of sines with random frequencies and phases.

    Args:
        highest_hz: upper end of the band.
        width: number of channels.
        rng: of frequencies and phases.
        amplitude: root mean square of each channel.
    """
    frequency_hz = rng.uniform(0.0, highest_hz, (TONES, 1, width))
    phase = rng.uniform(0.0, 2 * np.pi, (TONES, 1, width))
    scale = amplitude * np.sqrt(2 / TONES)
    return lambda seconds: scale * np.sin(2 * np.pi * frequency_hz * seconds[:, None] + phase).sum(axis=0)


def chirp(first_hz: float, last_hz: float, seconds: float, width: int, amplitude: float = 1.0) -> Signal:
    """A linear chirp.

    Args:
        first_hz: frequency at 0 s.
        last_hz: frequency at the end.
        seconds: duration.
        width: number of channels.
        amplitude: of each.
    """
    rise = (last_hz - first_hz) / seconds
    phase = np.linspace(0.0, np.pi, width, endpoint=False)
    return lambda at: amplitude * np.sin(2 * np.pi * (first_hz * at + 0.5 * rise * at**2)[:, None] + phase)


def slew(speed: float, turn_s: float, width: int) -> Signal:
    """A triangle wave.

    Args:
        speed: magnitude of the slope.
        turn_s: time between two corners.
        width: number of channels.
    """
    return lambda seconds: np.repeat(speed * turn_s * np.abs((seconds / turn_s) % 2.0 - 1.0)[:, None], width, axis=1)


def spikes(instants_s: FloatArray) -> Signal:
    """Wrench (n, 6) of short contacts: half sines of 20 N and 4 ms along z that begin at these instants."""

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
class Transport:
    """Sampling and transport from a sensor to this machine.

    Attributes:
        delay_s: of every message.
        jitter: of the sampling instant, uniform up to so many periods late.
        loss: fraction of lost messages.
        overtaking: of the delay, uniform up to so many periods more, so that messages are reordered.
    """

    delay_s: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    overtaking: float = 0.0


@dataclass(frozen=True)
class Messages:
    """The received messages of a stream, in the order of arrival."""

    receive_ns: IntArray  # (n,)
    stamp_ns: IntArray  # (n,)
    values: FloatArray  # (n, width)


def deliver(signal: Signal, rate_hz: float, seconds: float, transport: Transport, rng: np.random.Generator) -> Messages:
    """Sample and transport a signal.

    Args:
        signal: seconds (n,) to values (n, width).
        rate_hz: of the samples.
        seconds: duration, from 0 on.
        transport: jitter, loss, delay and reordering.
        rng: of the transport.
    """
    period_ns = NS_PER_S / rate_hz
    due_ns = (np.arange(int(seconds * rate_hz)) * period_ns).astype(np.int64)
    due_ns += (rng.random(len(due_ns)) * transport.jitter * period_ns).astype(np.int64)
    at_ns = np.unique(due_ns[rng.random(len(due_ns)) >= transport.loss])
    receive_ns = at_ns + round(transport.delay_s * NS_PER_S)
    if transport.overtaking:
        receive_ns += (rng.random(len(at_ns)) * transport.overtaking * period_ns).astype(np.int64)
    order = np.argsort(receive_ns, kind="stable")
    return Messages(receive_ns[order], EPOCH_NS + at_ns[order], signal(at_ns[order] / NS_PER_S))


HOME_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8])
AXES = 9  # seven joints and two fingers
SWING_RAD = 0.1


def panda_kinematics() -> Callable[[FloatArray], FloatArray]:
    """The Panda's joint angles (7,) to T_base_tool (4, 4)."""
    robot = Robot.from_file(shipped("panda.yaml"))
    return lambda position_rad: forward_kinematics(robot, position_rad)


def joint_states(move: Signal) -> Signal:
    """Positions and velocities (n, 18) of an arm whose joints move about the home position by `move` (n, 7)."""

    def row(seconds: FloatArray) -> FloatArray:
        values = np.zeros((len(seconds), 2 * AXES))
        values[:, :7] = HOME_RAD + move(seconds)
        values[:, 7:AXES] = 0.04
        return values

    return row


def joint_motion(rng: np.random.Generator, rest_s: float = 0.0, highest_hz: float = 5.0) -> Signal:
    """Joint states (n, 18) of an arm at rest, then in band-limited motion.

    Args:
        rng: of the motion.
        rest_s: end of the rest.
        highest_hz: bandwidth of the motion.
    """
    move = band_limited(highest_hz, 7, rng, SWING_RAD)
    start = move(np.array([rest_s]))
    return joint_states(lambda seconds: np.where(seconds[:, None] < rest_s, start, move(seconds)))
