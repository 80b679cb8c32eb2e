"""The largest force on the wrist, read at every step of the physics."""

from __future__ import annotations

from typing import Any

import numpy as np

ROWS = 4096  # readings kept before they are reduced to their largest: one at a time would slow the physics down


class PeakForce:
    """Watches the wrist sensor, without its noise and less what it carries when the watch begins.

    Args:
        model: of the rig (MjModel), whose sensor `force` is at the wrist.
        data: of the rig (MjData), the hand at rest and empty.
    """

    def __init__(self, model: Any, data: Any) -> None:
        start = int(model.sensor("force").adr[0])
        self._reading = data.sensordata[start : start + 3]  # a view
        self._rest_n = self._reading.copy()
        self._readings = np.empty((ROWS, 3))
        self._row = 0
        self._peak_n: float | None = None

    def note(self) -> None:
        """Take the reading of this step."""
        self._readings[self._row] = self._reading
        self._row += 1
        if self._row == ROWS:
            self._reduce()

    @property
    def peak_n(self) -> float | None:
        """The largest norm so far; None if no step was noted."""
        self._reduce()
        return self._peak_n

    def _reduce(self) -> None:
        if self._row:
            norms = np.linalg.norm(self._readings[: self._row] - self._rest_n, axis=1)
            self._peak_n = max(self._peak_n or 0.0, float(norms.max()))
            self._row = 0
