"""What a camera over the table sees, and which pixels belong to which object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray, Frame

NOTHING = -1


@dataclass(frozen=True)
class View:
    """An RGB-D image of the table, as measured.

    `owner` comes from the simulator: baselines that use it know which pixels are the named object's.
    The camera's pose is the one the robot believes in; under hard physics it is off by a few millimetres.
    """

    frame: Frame
    owner: NDArray[np.int16]  # (height, width) index of the object seen, NOTHING elsewhere

    def points_m(self) -> FloatArray:
        """(height, width, 3) where each pixel's surface is believed to be, base frame; NaN where depth is unknown."""
        camera, depth = self.frame.camera, np.asarray(self.frame.depth_m, dtype=float)
        rows, columns = np.mgrid[: camera.height, : camera.width]
        rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(camera.K).T
        points = rays * np.where(depth > 0, depth, np.nan)[..., None]
        return np.asarray(points @ camera.T_base_camera[:3, :3].T + camera.T_base_camera[:3, 3])
