"""The wrist's wrench at an instant: tared, free of the tool's weight, at several time scales, or absent if it lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.gravity import Gravity
from autoglm_embodied.align.pyramid import Pyramid
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.align.stream import Stream
from autoglm_embodied.align.tare import bias_at_rest
from autoglm_embodied.types import FloatArray, ForceFeatures, Sense

LARGEST = 1e5  # [N, N·m], far beyond any wrist sensor: larger numbers would drown the running sums
MEAN, MINIMUM, MAXIMUM = 0, 2, 3  # rows of the pyramid's statistics


class Wrench:
    """The stream of the wrist sensor and all that is known of it; its owner keeps threads apart.

    Attributes:
        trouble: why the last wrench was not to be believed, empty if it was.
    """

    def __init__(self, settings: AlignSettings) -> None:
        self.stream = Stream("wrench", settings.force_capacity, (6,), settings.clock_jump_ns, largest=LARGEST)
        self.gravity = Gravity(settings.tool_mass_kg, settings.tool_centre_m, settings.tool_quaternion_sensor)
        self.trouble = ""
        self._settings = settings
        self._pyramid = Pyramid(self.stream.ring, settings.pyramid_windows_ns, self.gravity.removed)
        self._bias: FloatArray | None = None
        self._bias_rows = np.zeros((5, 6))  # of the pyramid's statistics: deviation and slope have none
        self._ranged = settings.force_range_n > 0 or settings.torque_range_n_m > 0
        self._range = np.repeat([settings.force_range_n or np.inf, settings.torque_range_n_m or np.inf], 3)

    def tare(self, joint_stamps_ns: NDArray[np.int64], velocity: FloatArray) -> FloatArray:
        """Take what the sensor reads now, less the tool's weight, for its reading when nothing is touched.

        Args:
            joint_stamps_ns: (m,) in order.
            velocity: (m, V) of joints [rad/s] and fingers [m/s].

        Returns:
            (6,) the bias [N, N·m].

        Raises:
            SensorError: a window is too short, or something moved.
        """
        ring = self.stream.ring
        wrench = self.gravity.removed(ring.stamps_ns, ring.values)
        self._bias = bias_at_rest(ring.stamps_ns, wrench, joint_stamps_ns, velocity, self._settings)
        self._bias_rows[[MEAN, MINIMUM, MAXIMUM]] = self._bias
        return self._bias.copy()

    def at(self, t_ns: int, now_receive_ns: int | None) -> Sense[ForceFeatures]:
        """The features of all samples up to `t_ns`; absent if silent, too few, untared, or not to be believed."""
        settings, ring = self._settings, self.stream.ring
        end = ring.row_after(t_ns)
        if end == ring.begin:
            return Sense(None)
        age_ns = t_ns - int(ring.rows(end - 1, end)[0][0])
        fresh = self.stream.fresh(t_ns, now_receive_ns, settings.force_limit_ns)
        if not fresh or not self.gravity.known:
            return Sense(None, age_ns, age_ns)
        self._pyramid.update()
        starts, scales = self._pyramid.statistics(end)  # (S,), (S, 5, 6)
        self.trouble = self._disbelieved(scales, whole=int(starts[-1]) > ring.begin)
        if self.trouble or self._bias is None or end - starts[-1] < settings.raw_samples:
            return Sense(None, age_ns, age_ns)
        scales -= self._bias_rows
        raw = self._pyramid.samples(end - settings.raw_samples, end) - self._bias
        return Sense(ForceFeatures(raw, scales, end - int(starts[-1])), age_ns, age_ns)

    def _disbelieved(self, scales: FloatArray, whole: bool) -> str:
        """Why these statistics cannot be of a live sensor; `whole` where the longest window is full."""
        smallest, largest = scales[:, MINIMUM], scales[:, MAXIMUM]  # (S, 6)
        if self._ranged and (np.maximum(largest[0], -smallest[0]) >= self._range).any():
            return "saturated: the wrench reaches the sensor's range"
        if self._settings.stuck_detection and whole and smallest[-1].tolist() == largest[-1].tolist():
            return "stuck: the wrench says the same to the last bit; restart the sensor"
        return ""
