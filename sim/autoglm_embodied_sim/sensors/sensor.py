"""Sensors that are sampled: rate, latency, jitter, dropout, noise; what wrist and joints delivered; when cameras do.

How far a camera's pixels are off is here, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX
from autoglm_embodied_sim.sensors.sensor_specs import PHYSICS_HZ, ChannelErrors, ColourSpec, DepthSpec, Sensors, Timing

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
    """One sensor of C channels: its timing, its errors, and what is still under way; restart it first."""

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
        return self._delivered(Samples(stamp_ns, stamp_ns, self._distortion.apply(stamp_ns, ideal[None])))

    def deliver(self, stamp_ns: IntArray, ideal: FloatArray, now_ns: int) -> Samples:
        """Read, and return what has arrived by `now_ns` and was not returned before."""
        measured = self.read(stamp_ns, ideal)
        if self._delivery.immediate:
            return self._delivered(measured)
        waiting = _joined([*self._under_way, measured])
        arrived = int(np.searchsorted(waiting.receive_ns, now_ns, side="right"))
        self._under_way = [waiting.at(slice(arrived, None))]
        return self._delivered(waiting.at(slice(arrived)))

    def read(self, stamp_ns: IntArray, ideal: FloatArray) -> Samples:
        """All samples that come of ideal readings (n, C) at `stamp_ns` (n,), whenever they arrive."""
        if self._delivery.trivial:
            return Samples(stamp_ns, stamp_ns, self._distortion.apply(stamp_ns, ideal))
        chosen, receive_ns = self._delivery.sample(stamp_ns)
        taken_ns = stamp_ns[chosen]
        return Samples(taken_ns, receive_ns, self._distortion.apply(taken_ns, ideal[chosen]))

    def _delivered(self, samples: Samples) -> Samples:
        """Remember what was delivered last, and the newest reading (C,) of all."""
        self.samples = samples
        if len(samples):
            self.newest: FloatArray = samples.value[-1]
        return samples


def _joined(parts: list[Samples]) -> Samples:
    columns = zip(*((part.stamp_ns, part.receive_ns, part.value) for part in parts), strict=True)
    return Samples(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True)
class Moment:
    """An image not drawn yet: the whole configuration at an instant, and which cameras deliver it now."""

    stamp_ns: int
    qpos: FloatArray
    colour: bool = True
    depth: bool = True


class Shutter:
    """Takes moments at the rates of both cameras and hands them over when they arrive."""

    def __init__(self, sensors: Sensors) -> None:
        self._colour, self._depth = Delivery(sensors.colour.timing), Delivery(sensors.depth.timing)
        self._waiting: dict[tuple[int, int], Moment] = {}  # by arrival and stamp

    def restart(self, rng: np.random.Generator, now_ns: int) -> None:
        """Forget what is under way; losses and delays are drawn from children of `rng`."""
        for delivery, own in zip((self._colour, self._depth), rng.spawn(2), strict=True):
            delivery.restart(own, now_ns)
        self._waiting.clear()

    def forget(self) -> None:
        """Drop what is under way; the cameras go on in their beat."""
        self._waiting.clear()

    def expose(self, now_ns: int, qpos: FloatArray) -> list[Moment]:
        """Offer the configuration of the next instant; returns the moments that arrive by then, oldest first."""
        for delivery, colour in ((self._colour, True), (self._depth, False)):
            if delivery.due(now_ns):
                self._take(delivery, colour, now_ns, qpos)
        if not self._waiting:
            return []
        arrived = sorted(key for key in self._waiting if key[0] <= now_ns)
        return [self._waiting.pop(key) for key in arrived]

    def _take(self, delivery: Delivery, colour: bool, now_ns: int, qpos: FloatArray) -> None:
        for arrival_ns in delivery.sample(np.array([now_ns]))[1].tolist():
            both = (arrival_ns, now_ns) in self._waiting
            copied = qpos.copy()
            self._waiting[arrival_ns, now_ns] = Moment(now_ns, copied, colour or both, both or not colour)


POOL = 2 * MAX_WIDTH_PX * MAX_HEIGHT_PX
"""Pixels of fixed noise, of which a part at a random place is an image's: far faster than drawing it."""
BRIGHTEST = 255


class _Drift:
    """Seconds since the first frame after a restart."""

    def __init__(self) -> None:
        self._begin_ns: int | None = None

    def seconds(self, stamp_ns: int) -> float:
        if self._begin_ns is None:
            self._begin_ns = stamp_ns
        return (stamp_ns - self._begin_ns) / 1e9


class DepthErrors:
    """The errors of a depth image: noise, drifting bias, rounding, then holes."""

    def __init__(self, spec: DepthSpec) -> None:
        errors = spec.channels
        pool = np.random.default_rng(0)
        self._noise_m = np.float32(errors.sigma[0]) * pool.standard_normal(POOL, np.float32)
        self._holes = np.flatnonzero(pool.random(POOL, np.float32) < spec.hole_fraction)
        self._quantum_m, self._bias_m, self._drift_m_s = errors.quantum[0], errors.bias[0], errors.drift_per_s[0]
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Begin anew."""
        self._rng, self._drift = np.random.default_rng(seed), _Drift()

    def apply(self, stamp_ns: int, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is read where `depth_m` (height, width) is true; 0 in the holes."""
        first, second = self._rng.integers(POOL - depth_m.size, size=2).tolist()
        read_m: NDArray[np.float32] = depth_m + self._noise_m[first : first + depth_m.size].reshape(depth_m.shape)
        offset_m = self._bias_m + self._drift.seconds(stamp_ns) * self._drift_m_s
        if offset_m:
            read_m += np.float32(offset_m)
        if self._quantum_m:
            read_m = np.rint(read_m / np.float32(self._quantum_m)) * np.float32(self._quantum_m)
        begin, end = np.searchsorted(self._holes, [second, second + depth_m.size])
        read_m.reshape(-1)[self._holes[begin:end] - second] = 0
        return read_m


class ColourErrors:
    """The errors of a colour image: noise, drifting bias and rounding of each channel, within 0 to 255."""

    def __init__(self, spec: ColourSpec) -> None:
        self._errors = spec.channels
        self._noise: FloatArray | None = None
        if self._errors.sigma.any():
            self._noise = np.random.default_rng(1).standard_normal((POOL, 3), np.float32)
            self._noise *= self._errors.sigma.astype(np.float32)
        self._none = not any(error.any() for error in self._errors)
        self._quantum = np.where(self._errors.quantum > 0, self._errors.quantum, 1).astype(np.float32)
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Begin anew."""
        self._rng, self._drift = np.random.default_rng((seed, 1)), _Drift()

    def apply(self, stamp_ns: int, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What is read where `rgb` (height, width, 3) is true."""
        if self._none:
            return rgb
        offset = self._errors.bias + self._drift.seconds(stamp_ns) * self._errors.drift_per_s
        level: FloatArray = rgb.astype(np.float32) + offset.astype(np.float32)
        if self._noise is not None:
            pixels = level.shape[0] * level.shape[1]
            start = self._rng.integers(POOL - pixels)
            level += self._noise[start : start + pixels].reshape(level.shape)
        level = np.rint(level / self._quantum) * self._quantum
        return np.clip(np.rint(level), 0, BRIGHTEST).astype(np.uint8)
