"""A sensor: ideal readings at their instants go in, samples with errors come out when they arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.delivery import Delivery, IntArray
from autoglm_embodied_sim.sensor_specs import ChannelErrors, Timing


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
