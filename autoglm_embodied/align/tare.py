"""The wrench the sensor reads when nothing is touched: the hand's own weight and the sensor's offset.

Taring while the arm slows down takes the hand's inertia for weight, so it is refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray

MS_PER_NS = 1e-6


def bias_at_rest(
    wrench_stamps_ns: NDArray[np.int64],
    wrench: FloatArray,
    joint_stamps_ns: NDArray[np.int64],
    velocity: FloatArray,
    settings: AlignSettings,
) -> FloatArray:
    """The mean wrench over the last `tare_window_ns`, in which nothing moved.

    Args:
        wrench_stamps_ns: (n,) in order.
        wrench: (n, 6) [N, N·m].
        joint_stamps_ns: (m,) in order.
        velocity: (m, V) of joints [rad/s] and fingers [m/s].
        settings: the window and what counts as rest.

    Returns:
        (6,) the bias.

    Raises:
        SensorError: a window is too short, or something moved.
    """
    window_ns = settings.tare_window_ns
    end_ns = int(wrench_stamps_ns[-1])
    begin_ns = end_ns - window_ns
    for name, stamps_ns in (("wrench", wrench_stamps_ns), ("joint", joint_stamps_ns)):
        if stamps_ns[0] > begin_ns:
            raise SensorError(
                f"tare needs {window_ns * MS_PER_NS:.0f} ms of {name} samples; wait a moment and try again"
            )
    recent = wrench[wrench_stamps_ns >= begin_ns]
    if len(recent) < settings.tare_samples:
        raise SensorError(
            f"tare needs {settings.tare_samples} wrenches in {window_ns * MS_PER_NS:.0f} ms, got {len(recent)}; "
            "let the sensor publish faster"
        )
    moving = np.abs(velocity[joint_stamps_ns >= begin_ns])
    if not len(moving) or moving.max() > settings.rest_velocity:
        raise SensorError("tare needs the arm at rest, but it moves; let it stand still and try again")
    bias: FloatArray = recent.mean(axis=0)
    return bias
