"""Signals known at every instant, sampled and transported with delay, jitter, loss and reordering.

They are played, in the order of arrival, into the aligner and into baselines that pick one sample.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.types import FloatArray, Observation

IntArray = NDArray[np.int64]
Signal = Callable[[FloatArray], FloatArray]
"""Seconds (n,) to values (n, width)."""

NS_PER_S = 1_000_000_000
EPOCH_NS = 1_700_000_000 * NS_PER_S  # stamps are of 2023, receive times count from 0
TONES = 40
SPIKE_S, SPIKE_N = 0.004, 20.0
HOME_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8])
AXES = 9  # seven joints and two fingers
SWING_RAD, SWING_HZ = 0.1, 5.0  # of the joints in motion
MAX_SAMPLES = 2_048  # as many as the aligner's ring of wrenches holds


def sine(frequency_hz: float, width: int, amplitude: float = 1.0) -> Signal:
    """A sine of one frequency and amplitude in each of `width` channels, with a phase of its own."""
    phase = np.linspace(0.0, np.pi, width, endpoint=False)
    return lambda seconds: amplitude * np.sin(2 * np.pi * frequency_hz * seconds[:, None] + phase)


def band_limited(highest_hz: float, width: int, rng: np.random.Generator, amplitude: float = 1.0) -> Signal:
    """A sum of sines with random frequencies up to `highest_hz` and phases; `amplitude` is the channels' RMS."""
    frequency_hz = rng.uniform(0.0, highest_hz, (TONES, 1, width))
    phase = rng.uniform(0.0, 2 * np.pi, (TONES, 1, width))
    scale = amplitude * np.sqrt(2 / TONES)
    return lambda seconds: scale * np.sin(2 * np.pi * frequency_hz * seconds[:, None] + phase).sum(axis=0)


def chirp(first_hz: float, last_hz: float, seconds: float, width: int, amplitude: float = 1.0) -> Signal:
    """A linear chirp in `width` channels, from `first_hz` at 0 s to `last_hz` at the end of the duration."""
    rise = (last_hz - first_hz) / seconds
    phase = np.linspace(0.0, np.pi, width, endpoint=False)
    return lambda at: amplitude * np.sin(2 * np.pi * (first_hz * at + 0.5 * rise * at**2)[:, None] + phase)


def slew(speed: float, turn_s: float, width: int) -> Signal:
    """A triangle wave in `width` channels: its slope is +-`speed`, its corners are `turn_s` apart."""
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


def joint_motion(rng: np.random.Generator, rest_s: float) -> Signal:
    """Joint states (n, 18) of an arm at rest until `rest_s`, then in band-limited motion."""
    move = band_limited(SWING_HZ, 7, rng, SWING_RAD)
    start = move(np.array([rest_s]))
    return joint_states(lambda seconds: np.where(seconds[:, None] < rest_s, start, move(seconds)))


class Arrivals:
    """The messages of several streams, in the order of their receive times."""

    def __init__(self, streams: Mapping[str, Messages]) -> None:
        self._merged = merge(*(_rows(name, messages) for name, messages in streams.items()), key=lambda row: row[0])
        self._next = next(self._merged, None)

    def until(self, now_ns: int) -> Iterator[tuple[int, str, int, FloatArray]]:
        """Receive time, stream, stamp and value of the messages received since the last call and by `now_ns`."""
        while self._next is not None and self._next[0] <= now_ns:
            yield self._next
            self._next = next(self._merged, None)


def _rows(name: str, messages: Messages) -> Iterator[tuple[int, str, int, FloatArray]]:
    columns = messages.receive_ns.tolist(), messages.stamp_ns.tolist(), messages.values
    for receive_ns, stamp_ns, value in zip(*columns, strict=True):
        yield receive_ns, name, stamp_ns, value


def observe(
    aligner: Aligner, streams: Mapping[str, Messages], now_ns: IntArray, behind_ns: int = 0
) -> Iterator[Observation]:
    """Push every message at its receive time and observe.

    Args:
        aligner: to push to.
        streams: messages of "wrench", "joints" (positions, then velocities) and "vision".
        now_ns: (m,) instants on the receive clock.
        behind_ns: observe the instant that long before each of them.

    Yields:
        One observation for each of `now_ns`.
    """

    def push_joints(stamp_ns: int, receive_ns: int, row: FloatArray) -> None:
        half = len(row) // 2
        aligner.push_joints(stamp_ns, receive_ns, row[:half], row[half:])

    def push_vision(stamp_ns: int, receive_ns: int, row: FloatArray) -> None:
        aligner.push_tokens(stamp_ns, receive_ns, row[None].astype(np.float32))

    push = {"wrench": aligner.push_wrench, "joints": push_joints, "vision": push_vision}
    arrivals = Arrivals(streams)
    for now in now_ns.tolist():
        for receive_ns, name, stamp_ns, value in arrivals.until(now):
            push[name](stamp_ns, receive_ns, value)
        yield aligner.observe(EPOCH_NS + now - behind_ns, now - behind_ns)


class SampleBuffer:
    """The baseline to the aligner: all samples of a stream sorted by stamp, of which one is picked."""

    def __init__(self) -> None:
        self._stamps_ns: list[int] = []
        self._values: list[FloatArray] = []

    def push(self, stamp_ns: int, value: FloatArray) -> None:
        """Insert a sample (width,) in the order of the stamps."""
        place = bisect_right(self._stamps_ns, stamp_ns)
        self._stamps_ns.insert(place, stamp_ns)
        self._values.insert(place, value)
        if len(self._stamps_ns) > MAX_SAMPLES:
            del self._stamps_ns[0], self._values[0]

    def last(self, t_ns: int) -> FloatArray:
        """The newest sample not later than `t_ns`; the oldest where all are later."""
        return self._values[max(bisect_right(self._stamps_ns, t_ns) - 1, 0)]

    def nearest(self, t_ns: int) -> FloatArray:
        """The sample whose stamp is nearest to `t_ns`."""
        after = bisect_left(self._stamps_ns, t_ns)
        around = range(max(after - 1, 0), min(after + 1, len(self._stamps_ns)))
        return self._values[min(around, key=lambda place: abs(self._stamps_ns[place] - t_ns))]


Pick = Callable[[SampleBuffer, int], FloatArray]
BASELINES: dict[str, Pick] = {"last": SampleBuffer.last, "nearest": SampleBuffer.nearest}


def pick_samples(messages: Messages, t_ns: IntArray, now_ns: IntArray, pick: Pick) -> FloatArray:
    """The baseline's sample at each instant, of the messages received by then.

    Args:
        messages: of one stream.
        t_ns: (m,) instants asked for, from the epoch of the simulation.
        now_ns: (m,) the same moments on the receive clock, ascending.
        pick: `SampleBuffer.last` or `SampleBuffer.nearest`.

    Returns:
        (m, width).
    """
    buffer, arrivals, picked = SampleBuffer(), Arrivals({"stream": messages}), list[FloatArray]()
    for t, now in zip((EPOCH_NS + t_ns).tolist(), now_ns.tolist(), strict=True):
        for _, _, stamp_ns, value in arrivals.until(now):
            buffer.push(stamp_ns, value)
        picked.append(pick(buffer, t))
    return np.array(picked)
