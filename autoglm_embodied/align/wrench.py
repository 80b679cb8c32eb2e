"""The wrist's wrench at an instant: tared, compensated for the tool's weight, at several time scales, or absent."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from autoglm_embodied.align.pyramid import ForcePyramid
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.align.stream import Ring, Stream
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray, ForceFeatures, Sense

GRAVITY_BASE_M_S2 = np.array([0.0, 0.0, -9.80665])  # the base frame has z up (REP 103)
MAX_POSES = 256  # one a tick: more than fit in the longest window
MS_PER_NS = 1e-6
MAX_WRENCH = 1e5  # [N, N·m], far beyond any wrist sensor: larger numbers would cancel the running sums' precision
MAX_CAPACITY = 16_384  # wrenches, to which the buffer grows for a fast sensor: the longest window at 32 kHz
BETWEEN = "gap: the samples around the tick are too far apart"
UNTARED = "untared: "
MEAN, MINIMUM, MAXIMUM = 0, 2, 3  # rows of the pyramid's statistics


class GravityCompensation:
    """Subtracts the tool's weight from the wrench, by the sensor's orientation at the last ticks and slerp between.

    Args:
        mass_kg: of everything mounted on the sensor; 0 switches the compensation off.
        centre_m: centre of mass, in the sensor's frame.
        quaternion_tool_sensor: orientation of the sensor's frame in the tool frame, x y z w.
    """

    def __init__(self, mass_kg: float, centre_m: tuple[float, ...], quaternion_tool_sensor: tuple[float, ...]) -> None:
        self.active = mass_kg > 0
        self._weight_base_n = mass_kg * GRAVITY_BASE_M_S2
        self._centre_m = np.asarray(centre_m)
        self.R_tool_sensor = Rotation.from_quat(quaternion_tool_sensor)
        self._poses: deque[tuple[int, Rotation]] = deque(maxlen=MAX_POSES)

    @property
    def ready(self) -> bool:
        """Whether an orientation is known, or none is needed."""
        return not self.active or bool(self._poses)

    def add_pose(self, t_ns: int, T_base_tool: FloatArray) -> None:
        """Add the tool's pose (4, 4) at a tick; one older than the newest is ignored."""
        if self.active and (not self._poses or t_ns > self._poses[-1][0]):
            self._poses.append((t_ns, Rotation.from_matrix(T_base_tool[:3, :3]) * self.R_tool_sensor))

    def compensate(self, stamps_ns: NDArray[np.int64], wrench: FloatArray) -> FloatArray:
        """Wrenches (n, 6) in the sensor's frame [N, N·m] at stamps (n,), less the tool's weight.

        Before the first and after the last pose their orientation is held.
        """
        if not self.active:
            return wrench
        force_n = self._orientations(stamps_ns).apply(self._weight_base_n, inverse=True)  # (n, 3), sensor's frame
        weight: FloatArray = np.concatenate([force_n, np.cross(self._centre_m, force_n)], axis=1)
        return wrench - weight

    def _orientations(self, stamps_ns: NDArray[np.int64]) -> Rotation:
        """R_base_sensor at each stamp."""
        times_ns, rotations = zip(*self._poses, strict=True)
        if len(times_ns) == 1:
            return Rotation.concatenate([rotations[0]] * len(stamps_ns))
        # Relative to the last one: float64 cannot hold nanoseconds since 1970.
        since_ns = np.array(times_ns) - times_ns[-1]
        at_ns = np.clip(stamps_ns - times_ns[-1], since_ns[0], 0)
        return Slerp(since_ns, Rotation.concatenate(rotations))(at_ns)


def tare_bias(
    wrench_stamps_ns: NDArray[np.int64],
    wrench: FloatArray,
    joint_stamps_ns: NDArray[np.int64],
    velocity: FloatArray,
    settings: AlignSettings,
) -> FloatArray:
    """The bias (6,): the mean wrench over the last `tare_window_ns`, if there is enough and the arm rests throughout.

    Of a slow sensor the last `tare_samples` count, as far as the longest window of the pyramid reaches.

    Args:
        wrench_stamps_ns: (n,) ascending.
        wrench: (n, 6) in the sensor's frame [N, N·m].
        joint_stamps_ns: (m,) ascending.
        velocity: (m, V) of joints [rad/s] and fingers [m/s].
        settings: the window and the largest velocity at rest; SensorError says which of them is not met.
    """
    needed, newest_ns = settings.tare_samples, int(wrench_stamps_ns[-1])
    longest_ns = max(settings.tare_window_ns, settings.pyramid_windows_ns[-1])
    slow_ns = min(newest_ns - int(wrench_stamps_ns[-needed:][0]), longest_ns)
    begin_ns = newest_ns - max(settings.tare_window_ns, slow_ns)
    window_ms = (newest_ns - begin_ns) * MS_PER_NS
    for name, stamps_ns in (("wrench", wrench_stamps_ns), ("joint", joint_stamps_ns)):
        if stamps_ns[0] > begin_ns:
            raise SensorError(f"tare needs {window_ms:.0f} ms of {name} samples; wait a moment and try again")
    recent = wrench[wrench_stamps_ns >= begin_ns]
    if len(recent) < needed:
        few = f"{needed} wrenches in {window_ms:.0f} ms, got {len(recent)}"
        raise SensorError(f"tare needs {few}; wait a moment, or let the sensor publish faster")
    speed = np.abs(velocity[joint_stamps_ns >= begin_ns])
    if not len(speed) or speed.max() > settings.rest_velocity:
        raise SensorError("tare needs the arm at rest, but it moves; let it stand still and try again")
    return np.asarray(recent.mean(axis=0))


class WrenchStream:
    """The wrist sensor's stream with its gravity compensation, bias and force pyramid; not thread-safe by itself."""

    def __init__(self, settings: AlignSettings) -> None:
        self.stream = Stream("wrench", Ring(settings.force_capacity, (6,)), settings.clock_jump_ns, MAX_WRENCH)
        tool = settings.tool_mass_kg, settings.tool_centre_m, settings.tool_quaternion_sensor
        self.gravity = GravityCompensation(*tool)
        self.fault = ""  # why the newest wrench is masked as faulty
        self.absence = ""  # why there was none at the last instant
        self.resolution_ns = 0  # mean time between those of the longest window then; 0 where there were none
        self.stamps_ns = np.zeros(0, np.int64)  # (R,) of the newest then, (1,) of the last where they were interpolated
        self._settings = settings
        self._pyramid = self._empty_pyramid()
        self._bias: FloatArray | None = None
        self._bias_rows = np.zeros((5, 6))  # per statistic: deviation and slope are not biased
        self._range_known = settings.force_range_n > 0 or settings.torque_range_n_m > 0
        self._range = np.repeat([settings.force_range_n or np.inf, settings.torque_range_n_m or np.inf], 3)

    def tare(self, joint_stamps_ns: NDArray[np.int64], velocity: FloatArray) -> FloatArray:
        """Zero (tare) the sensor: its mean reading, less the tool's weight, becomes the bias; see `tare_bias`."""
        ring = self.stream.ring
        wrench = self.gravity.compensate(ring.stamps_ns, ring.values)
        return self.set_bias(tare_bias(ring.stamps_ns, wrench, joint_stamps_ns, velocity, self._settings))

    def set_bias(self, bias: FloatArray) -> FloatArray:
        """Let (6,) be what is subtracted from every wrench [N, N·m]; returns a copy."""
        self._bias = bias
        self._bias_rows[[MEAN, MINIMUM, MAXIMUM]] = bias
        return bias.copy()

    @property
    def tared(self) -> bool:
        """Whether there is a bias."""
        return self._bias is not None

    def at(self, t_ns: int, now_receive_ns: int | None) -> Sense[ForceFeatures]:
        """The features of all samples up to `t_ns`; absent if these are stale, too few, untared or faulty."""
        settings, ring = self._settings, self.stream.ring
        self.resolution_ns = 0
        self._keep_longest_window()
        end = ring.row_after(t_ns)
        self.absence = self.stream.absence(t_ns, now_receive_ns, settings.force_limit_ns, settings)
        if end == ring.begin:
            self.absence = self.absence or BETWEEN
            return Sense(None)
        age_ns = t_ns - int(ring.rows(end - 1, end)[0][0])
        if not self.absence and not self.gravity.ready:
            self.absence = "weight: the tool's weight cannot be subtracted before joint states give its pose"
        features = None if self.absence else self._features(end)
        return Sense(features, age_ns, age_ns)

    def _features(self, end: int) -> ForceFeatures | None:
        """Those of the samples before row `end`."""
        self._pyramid.update()
        starts, scales = self._pyramid.statistics(end)  # (S,), (S, 5, 6)
        start = int(starts[-1])
        self.fault = self._detect_fault(scales, whole=start > self.stream.ring.begin)
        if self.fault or self._bias is None:
            self.absence = self.fault or UNTARED
            return None
        raw = self._newest(start, end)
        if raw is None:
            self.absence = "short: the samples are too few, or too far apart, for the longest window"
            return None
        stamps_ns, _ = self.stream.ring.rows(start, end)
        self.stamps_ns = stamps_ns[-len(raw) if end - start >= len(raw) else -1 :].copy()
        self.resolution_ns = int(stamps_ns[-1] - stamps_ns[0]) // (end - start - 1)
        scales -= self._bias_rows
        return ForceFeatures(raw - self._bias, scales, end - start)

    def _newest(self, start: int, end: int) -> FloatArray | None:
        """The newest samples (R, 6) before row `end`, still biased.

        Where the longest window, from row `start` on, is full but holds fewer, they are interpolated to so many evenly
        spaced ones, and none of them may be missing for as long as makes the stream stale.
        """
        count, ring = self._settings.raw_samples, self.stream.ring
        if end - start >= count:
            return self._pyramid.samples(end - count, end)
        stamps_ns, _ = ring.rows(start - 1, end)
        if start == ring.begin or end - start < 2 or np.diff(stamps_ns).max() > self._settings.force_limit_ns:
            return None
        since_ns = stamps_ns[1:] - stamps_ns[-1]
        at_ns, samples = np.linspace(since_ns[0], 0, count), self._pyramid.samples(start, end)
        return np.stack([np.interp(at_ns, since_ns, axis) for axis in samples.T], axis=1)

    def _keep_longest_window(self) -> None:
        """Let the buffer of a fast sensor grow until it holds the longest window."""
        ring, window_ns = self.stream.ring, self._settings.pyramid_windows_ns[-1]
        full = len(ring) == ring.capacity < MAX_CAPACITY
        if full and ring.newest_ns - int(ring.stamps_ns[0]) < window_ns:
            ring.grow()
            self._pyramid = self._empty_pyramid()

    def _empty_pyramid(self) -> ForcePyramid:
        return ForcePyramid(self.stream.ring, self._settings.pyramid_windows_ns, self.gravity.compensate)

    def _detect_fault(self, scales: FloatArray, whole: bool) -> str:
        """The fault that these statistics (S, 5, 6) show, if any; `whole`: the longest window is full."""
        smallest, largest = scales[:, MINIMUM], scales[:, MAXIMUM]  # (S, 6)
        if self._range_known and (np.maximum(largest[0], -smallest[0]) >= self._range).any():
            return "saturated: the wrench reaches the sensor's range"
        if self._settings.stuck_detection and whole and smallest[-1].tolist() == largest[-1].tolist():
            return "stuck: the wrench is constant to the last bit; restart the sensor"
        return ""
