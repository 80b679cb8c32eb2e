"""Which objects are between the fingers, as the simulator knows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FINGERS = ("left_finger", "right_finger")


class FingerContacts:
    """Reads the contacts out of an MjData; never to be shown to a policy."""

    def __init__(self, model: Any, object_of_geom: NDArray[np.int16]) -> None:
        """`object_of_geom` (geoms,) is the object of each geom, below 0 for what is none."""
        self._object_of_geom = object_of_geom
        bodies = [model.body(index).name for index in range(model.nbody)]
        self._on_finger = np.array(
            [[bodies[body].endswith(finger) for body in model.geom_bodyid] for finger in FINGERS]
        )

    def between(self, data: Any) -> frozenset[int]:
        """Objects that both fingers touch."""
        pairs = np.asarray(data.contact.geom).reshape(-1, 2)
        ends = np.concatenate([pairs, pairs[:, ::-1]])  # each contact from either side
        objects = self._object_of_geom[ends[:, 1]]
        left, right = (set(objects[on[ends[:, 0]] & (objects >= 0)].tolist()) for on in self._on_finger)
        return frozenset(left & right)
