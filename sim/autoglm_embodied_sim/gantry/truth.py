"""What only the simulator knows of the gantry: where items are, and which of them hang in the air."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gantry.view import NOTHING


class ItemReader:
    """Reads the items' poses out of an MjData; never to be shown to a policy."""

    def __init__(self, model: Any, count: int) -> None:
        self._bodies = np.array([model.body(f"item{index}").id for index in range(count)], dtype=int)
        self._qpos = np.array([model.joint(f"item{index}").qposadr[0] for index in range(count)], dtype=int)
        self._dof = np.array([model.joint(f"item{index}").dofadr[0] for index in range(count)], dtype=int)
        item_of_body = np.full(model.nbody, NOTHING, np.int16)
        item_of_body[self._bodies] = np.arange(count)
        self.item_of_geom: NDArray[np.int16] = item_of_body[model.geom_bodyid]

    def position_m(self, data: Any) -> FloatArray:
        """(count, 3) centres of mass, base frame."""
        return np.asarray(data.qpos[self._qpos[:, None] + np.arange(3)])

    def pose(self, data: Any) -> FloatArray:
        """(count, 7) centres of mass, base frame, and quaternions w x y z."""
        return np.asarray(data.qpos[self._qpos[:, None] + np.arange(7)])

    def speed_m_s(self, data: Any) -> FloatArray:
        """(count,) of the centres of mass."""
        return np.asarray(np.linalg.norm(data.qvel[self._dof[:, None] + np.arange(3)], axis=1))

    def place(self, data: Any, item: int, position_m: FloatArray, quaternion_wxyz: FloatArray) -> None:
        """Put an item somewhere, at rest."""
        start, dof = self._qpos[item], self._dof[item]
        data.qpos[start : start + 3], data.qpos[start + 3 : start + 7] = position_m, quaternion_wxyz
        data.qvel[dof : dof + 6] = 0
