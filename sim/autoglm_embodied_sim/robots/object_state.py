"""What only the simulator knows of the objects: where they are, how fast they move and what they touch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.sensors.view import NOTHING

SAME_M = np.zeros(3)
FINGERS = ("left_finger", "right_finger")


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
        self.contacts = ObjectContacts(model, self.object_of_geom)

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


class ObjectContacts:
    """Reads out of an MjData what objects touch; never to be shown to a policy.

    Args:
        model: an MjModel with a hand and two fingers.
        object_of_geom: (geoms,) the object of each geom, below 0 for what is none.
    """

    def __init__(self, model: Any, object_of_geom: NDArray[np.int16]) -> None:
        self._object_of_geom = object_of_geom
        self._on_finger = np.array([model.geom_bodyid == model.body(finger).id for finger in FINGERS])
        self._on_hand = (model.geom_bodyid == model.body("hand").id) | self._on_finger.any(axis=0)

    def fingers(self, data: Any, obj: int) -> tuple[bool, bool]:
        """Whether the left and the right finger touch an object."""
        objects, partners = self._touching(data)
        left, right = (bool(on[partners[objects == obj]].any()) for on in self._on_finger)
        return left, right

    def between(self, data: Any) -> frozenset[int]:
        """Objects that both fingers touch."""
        objects, partners = self._touching(data)
        left, right = (set(objects[on[partners]].tolist()) for on in self._on_finger)
        return frozenset(left & right)

    def borne_by_hand(self, data: Any, objects: frozenset[int]) -> frozenset[int]:
        """Of some objects, those that touch nothing but the hand and one another, directly or through the others."""
        owners, partners = self._touching(data)
        elsewhere = ~self._on_hand[partners]
        pairs = list(zip(owners[elsewhere].tolist(), self._object_of_geom[partners[elsewhere]].tolist(), strict=True))
        borne = objects
        while leaning := {obj for obj, other in pairs if obj in borne and other not in borne}:
            borne -= leaning
        return borne

    def _touching(self, data: Any) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        """(n,) the object and (n,) the other geom of every contact of an object, of two objects from either side."""
        pairs = np.asarray(data.contact.geom).reshape(-1, 2)
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        objects = self._object_of_geom[ends[:, 0]]
        return objects[objects >= 0], ends[objects >= 0, 1]
