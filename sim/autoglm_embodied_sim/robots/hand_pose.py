"""Where a hand that points down is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.types import FloatArray

MAX_WIDTH_M = 0.08
"""The widest opening of the hand."""
TRAVEL_M_S = 0.35
"""How fast a hand goes where nothing is near."""


@dataclass(frozen=True)
class HandPose:
    """Where the fingertips are in the table frame: the point between their lower ends, and the turn about the vertical.

    At `yaw_rad` 0 the fingers close along the table's y axis.
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float

    def raised_to(self, z_m: float) -> HandPose:
        """The same place at another height."""
        return HandPose(self.x_m, self.y_m, z_m, self.yaw_rad)

    def moved_by(self, way: HandPose) -> HandPose:
        """As far from here as `way` is from the table's middle."""
        return HandPose(*(self.values + way.values).tolist())

    @property
    def values(self) -> FloatArray:
        """(4,) x, y, z, yaw."""
        return np.array([self.x_m, self.y_m, self.z_m, self.yaw_rad])
