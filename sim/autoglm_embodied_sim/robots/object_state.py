"""What only the simulator knows of the objects: where they are and how fast they move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.sensors.view import NOTHING

SAME_M = np.zeros(3)


class ObjectState:
    """Reads the objects' poses out of an MjData; never to be shown to a policy.

    Args:
        model: an MjModel with the bodies `object0` and so on.
        count: of the objects.
        origin_m: (3,) of the table frame, in that of the model.
    """

    def __init__(self, model: Any, count: int, origin_m: FloatArray = SAME_M) -> None:
        self._origin_m = origin_m
        self._bodies = np.array([model.body(f"object{index}").id for index in range(count)], dtype=int)
        self._qpos = np.array([model.joint(f"object{index}").qposadr[0] for index in range(count)], dtype=int)
        self._dof = np.array([model.joint(f"object{index}").dofadr[0] for index in range(count)], dtype=int)
        object_of_body = np.full(model.nbody, NOTHING, np.int16)
        object_of_body[self._bodies] = np.arange(count)
        self.object_of_geom: NDArray[np.int16] = object_of_body[model.geom_bodyid]

    def position_m(self, data: Any) -> FloatArray:
        """(count, 3) centres of mass, table frame."""
        return np.asarray(data.qpos[self._qpos[:, None] + np.arange(3)] - self._origin_m)

    def pose(self, data: Any) -> FloatArray:
        """(count, 7) centres of mass, base frame, and quaternions w x y z."""
        return np.asarray(data.qpos[self._qpos[:, None] + np.arange(7)])

    def speed_m_s(self, data: Any) -> FloatArray:
        """(count,) of the centres of mass."""
        return np.asarray(np.linalg.norm(data.qvel[self._dof[:, None] + np.arange(3)], axis=1))

    def place(self, data: Any, obj: int, position_m: FloatArray, quaternion_wxyz: FloatArray) -> None:
        """Put an object somewhere on the table, at rest."""
        start, dof = self._qpos[obj], self._dof[obj]
        data.qpos[start : start + 3] = position_m + self._origin_m
        data.qpos[start + 3 : start + 7] = quaternion_wxyz
        data.qvel[dof : dof + 6] = 0
