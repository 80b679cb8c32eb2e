"""The weight of the tool as the wrist sensor feels it, taken off sample by sample as the arm turns."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from autoglm_embodied.types import FloatArray

GRAVITY_BASE_M_S2 = np.array([0.0, 0.0, -9.80665])  # the base frame has z up (REP 103)
MOST_NOTED = 256  # orientations, one a tick: longer than the longest window


class Gravity:
    """Knows how the sensor was turned at the last ticks; between two of them it turns at constant speed."""

    def __init__(self, mass_kg: float, centre_m: tuple[float, ...], quaternion_tool_sensor: tuple[float, ...]) -> None:
        """Describe the tool.

        Args:
            mass_kg: of all that hangs on the sensor; 0 leaves the wrench as it is.
            centre_m: centre of mass, in the sensor's frame.
            quaternion_tool_sensor: orientation of the sensor's frame in the tool frame, x y z w.
        """
        self.active = mass_kg > 0
        self._weight_base_n = mass_kg * GRAVITY_BASE_M_S2
        self._centre_m = np.asarray(centre_m)
        self._R_tool_sensor = Rotation.from_quat(quaternion_tool_sensor)
        self._noted: deque[tuple[int, Rotation]] = deque(maxlen=MOST_NOTED)

    @property
    def known(self) -> bool:
        """Whether the weight can be taken off, or need not be."""
        return not self.active or bool(self._noted)

    def note(self, t_ns: int, T_base_tool: FloatArray) -> None:
        """The tool's pose (4, 4) at `t_ns`."""
        if self.active and (not self._noted or t_ns > self._noted[-1][0]):
            self._noted.append((t_ns, Rotation.from_matrix(T_base_tool[:3, :3]) * self._R_tool_sensor))

    def removed(self, stamps_ns: NDArray[np.int64], wrench: FloatArray) -> FloatArray:
        """(n, 6) the wrench without the weight; at stamps before or after all that was noted, as at the nearest."""
        if not self.active:
            return wrench
        force_n = self._turned(stamps_ns).apply(self._weight_base_n, inverse=True)  # (n, 3) in the sensor's frame
        weight = np.concatenate([force_n, np.cross(self._centre_m, force_n)], axis=1)
        tool_free: FloatArray = wrench - weight
        return tool_free

    def _turned(self, stamps_ns: NDArray[np.int64]) -> Rotation:
        """R_base_sensor at each stamp."""
        times_ns, rotations = zip(*self._noted, strict=True)
        if len(times_ns) == 1:
            return Rotation.concatenate([rotations[0]] * len(stamps_ns))
        # Counted from the last one: float64 does not hold nanoseconds since 1970.
        since_ns = np.array(times_ns) - times_ns[-1]
        at_ns = np.clip(stamps_ns - times_ns[-1], since_ns[0], 0)
        return Slerp(since_ns, Rotation.concatenate(rotations))(at_ns)
