"""Sensors that are sampled: rate, latency, jitter, dropout, noise, and what wrist and joints delivered last."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.sensors.sensor_specs import PHYSICS_HZ, ChannelErrors, Sensors, Timing

IntArray = NDArray[np.int64]
NS_PER_S = 1_000_000_000


class Delivery:
    """The timing of one sensor; its ticks count from the restart, each on the first instant offered at or after it."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        rate = Fraction(timing.rate_hz).limit_denominator(1000)
        self._ticks, self._per_ns = rate.numerator, rate.denominator * NS_PER_S
        self._everything = timing.rate_hz == PHYSICS_HZ
        self.immediate = not timing.latency_ns and not timing.jitter_ns
        self.trivial = self._everything and self.immediate and not timing.dropout
        self.restart(np.random.default_rng(0), 0)

    def restart(self, rng: np.random.Generator, now_ns: int) -> None:
        """Draw from children of `rng` from now on; the instant `now_ns` has been offered."""
        self._loss_rng, self._delay_rng = rng.spawn(2)
        self._begin_ns, self._tick = now_ns, 0
        self._newest_ns = now_ns

    def due(self, stamp_ns: int) -> bool:
        """Whether a sample is taken at this instant, if it is the next one offered."""
        return self._count(stamp_ns) > self._tick

    def sample(self, stamp_ns: IntArray) -> tuple[NDArray[np.intp], IntArray]:
        """Which of these instants (n,), later than all before, give samples that arrive, and when they do.

        Returns:
            Indices (m,) into `stamp_ns`, and arrival times (m,) [ns] in rising order.
        """
        chosen = self._chosen(stamp_ns)
        if self.timing.dropout:
            chosen = chosen[self._loss_rng.random(len(chosen)) >= self.timing.dropout]
        arrival_ns = stamp_ns[chosen] + self.timing.latency_ns
        if self.timing.jitter_ns and len(chosen):
            arrival_ns += np.rint(self._delay_rng.exponential(self.timing.jitter_ns, len(chosen))).astype(np.int64)
            arrival_ns = np.maximum.accumulate(np.maximum(arrival_ns, self._newest_ns))
            self._newest_ns = int(arrival_ns[-1])
        return chosen, arrival_ns

    def _chosen(self, stamp_ns: IntArray) -> NDArray[np.intp]:
        if self._everything:
            return np.arange(len(stamp_ns))
        ticks = (stamp_ns - self._begin_ns) * self._ticks // self._per_ns
        chosen = np.flatnonzero(np.diff(ticks, prepend=self._tick))
        if len(ticks):
            self._tick = int(ticks[-1])
        return chosen

    def _count(self, stamp_ns: int) -> int:
        return (stamp_ns - self._begin_ns) * self._ticks // self._per_ns


@dataclass(frozen=True)
class Samples:
    """What a sensor delivered: n samples of C channels, in the order of arrival."""

    stamp_ns: IntArray  # (n,) the instant measured
    receive_ns: IntArray  # (n,)
    value: FloatArray  # (n, C)

    def __len__(self) -> int:
        return len(self.stamp_ns)

    def at(self, rows: slice) -> Samples:
        """Some of them."""
        return Samples(self.stamp_ns[rows], self.receive_ns[rows], self.value[rows])


class Distortion:
    """The errors of C channels: noise, bias that drifts from the last restart on, and rounding, in this order."""

    def __init__(self, errors: ChannelErrors) -> None:
        self._errors = errors
        self._noisy = bool(errors.sigma.any())
        self._offset = bool(errors.bias.any() or errors.drift_per_s.any())
        self._rounded = errors.quantum > 0
        self._quantum = np.where(self._rounded, errors.quantum, 1.0)
        self.none = not (self._noisy or self._offset or self._rounded.any())
        self.restart(np.random.default_rng(0), 0)

    def restart(self, rng: np.random.Generator, now_ns: int) -> None:
        """Draw noise from `rng`, and let the drift begin now."""
        self._rng, self._begin_ns = rng, now_ns

    def apply(self, stamp_ns: IntArray, ideal: FloatArray) -> FloatArray:
        """What is read (n, C) where `ideal` (n, C) is true at `stamp_ns` (n,)."""
        value = ideal
        if self._noisy:
            value = value + self._rng.standard_normal(value.shape) * self._errors.sigma
        if self._offset:
            seconds = (stamp_ns - self._begin_ns)[:, None] / 1e9
            value = value + (self._errors.bias + seconds * self._errors.drift_per_s)
        if self._rounded.any():
            value = np.where(self._rounded, np.rint(value / self._quantum) * self._quantum, value)
        return value


class Sensor:
    """One sensor of C channels: its timing, its errors, and what is still under way."""

    def __init__(self, timing: Timing, errors: ChannelErrors) -> None:
        self._delivery, self._distortion = Delivery(timing), Distortion(errors)
        self._under_way: list[Samples] = []

    def restart(self, rng: np.random.Generator, now_ns: int, ideal: FloatArray) -> Samples:
        """Forget what is under way; noise is drawn from `rng`, timing from its children.

        Returns:
            One sample of `ideal` (C,) at `now_ns`: what an arm that has stood still for long has read last.
        """
        self._delivery.restart(rng, now_ns)
        self._distortion.restart(rng, now_ns)
        self._under_way.clear()
        stamp_ns = np.array([now_ns])
        return Samples(stamp_ns, stamp_ns, self._distortion.apply(stamp_ns, ideal[None]))

    def read(self, stamp_ns: IntArray, ideal: FloatArray) -> Samples:
        """All samples that come of ideal readings (n, C) at `stamp_ns` (n,), whenever they arrive."""
        if self._delivery.trivial:
            return Samples(stamp_ns, stamp_ns, self._distortion.apply(stamp_ns, ideal))
        chosen, receive_ns = self._delivery.sample(stamp_ns)
        taken_ns = stamp_ns[chosen]
        return Samples(taken_ns, receive_ns, self._distortion.apply(taken_ns, ideal[chosen]))

    def deliver(self, stamp_ns: IntArray, ideal: FloatArray, now_ns: int) -> Samples:
        """Measure, and return what has arrived by `now_ns` and was not returned before."""
        measured = self.read(stamp_ns, ideal)
        if self._delivery.immediate:
            return measured
        waiting = _joined([*self._under_way, measured])
        arrived = int(np.searchsorted(waiting.receive_ns, now_ns, side="right"))
        self._under_way = [waiting.at(slice(arrived, None))]
        return waiting.at(slice(arrived))


def _joined(parts: list[Samples]) -> Samples:
    columns = zip(*((part.stamp_ns, part.receive_ns, part.value) for part in parts), strict=True)
    return Samples(*(np.concatenate(column) for column in columns))


class Senses:
    """What wrist and joints delivered last, and the newest reading of each.

    Call `restart` before anything else.
    """

    def __init__(self, sensors: Sensors) -> None:
        self._wrench = Sensor(sensors.wrench.timing, sensors.wrench.channels)
        self._joints = Sensor(sensors.joints.timing, sensors.joints.channels)

    def restart(self, rng: np.random.Generator, now_ns: int, wrench: FloatArray, joints: FloatArray) -> None:
        """Begin at rest with the true wrench (6,) and joints (18,: positions, then velocities)."""
        joints_rng = rng.spawn(1)[0]
        self.wrench = self._wrench.restart(rng, now_ns, wrench)
        self.joints = self._joints.restart(joints_rng, now_ns, joints)
        self.newest_wrench: FloatArray = self.wrench.value[-1]
        self.newest_joints: FloatArray = self.joints.value[-1]

    def take(self, stamp_ns: IntArray, wrench: FloatArray, joints: FloatArray, now_ns: int) -> None:
        """Go on by n steps, with what was true (n, 6), (n, 18) after each, until `now_ns`."""
        self.wrench = self._wrench.deliver(stamp_ns, wrench, now_ns)
        self.joints = self._joints.deliver(stamp_ns, joints, now_ns)
        if len(self.wrench):
            self.newest_wrench = self.wrench.value[-1]
        if len(self.joints):
            self.newest_joints = self.joints.value[-1]
