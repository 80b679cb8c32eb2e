"""Which part of the room the camera can see at all."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from autoglm_embodied.types import FloatArray


class View:
    """Says whether the backdrop is wholly behind the table, where drawing it would be a fifth of the work for nothing.

    If the table stops all four corner rays it stops every ray, for its top is flat and convex. The floor lies below
    that top; the wall is out of sight, too, if it stands behind the camera.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._camera = model, model.camera("camera").id
        self._table, self._wall = model.geom("table"), model.geom("wall")
        self._asked: tuple[bytes, bytes, float, float] | None = None
        self._beyond = True

    def sees_beyond_the_table(self, data: Any, aspect: float) -> bool:
        """Whether an image `aspect` times as wide as high may show anything of the backdrop."""
        pose = data.cam_xpos[self._camera], data.cam_xmat[self._camera]
        asked = pose[0].tobytes(), pose[1].tobytes(), float(self._model.cam_fovy[self._camera]), aspect
        if asked != self._asked:  # the camera hardly ever moves
            self._asked = asked
            self._beyond = self._looks_beyond(pose[0], pose[1].reshape(3, 3), asked[2], aspect)
        return self._beyond

    def _looks_beyond(self, eye_m: FloatArray, rotation: FloatArray, fovy_deg: float, aspect: float) -> bool:
        half = np.tan(np.radians(fovy_deg) / 2)
        corners = np.array([[x * aspect * half, y * half, -1.0] for x, y in product((-1, 1), repeat=2)])
        rays = corners @ rotation.T
        top_m = self._table.pos[2] + self._table.size[2]
        if eye_m[2] <= top_m or rays[:, 2].max() >= 0 or eye_m[0] <= self._wall.pos[0] + self._wall.size[0]:
            return True
        met_m = eye_m + rays * ((top_m - eye_m[2]) / rays[:, 2])[:, None]
        return bool((abs(met_m[:, :2] - self._table.pos[:2]) > self._table.size[:2]).any())
