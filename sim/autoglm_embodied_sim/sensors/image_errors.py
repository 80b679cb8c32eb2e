"""How far a camera's pixels are off; noise is cut out of a fixed pool at random places, far faster than drawing it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX
from autoglm_embodied_sim.sensors.sensor_specs import ColourSpec, DepthSpec

POOL = 2 * MAX_WIDTH_PX * MAX_HEIGHT_PX  # pixels
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
