"""What only the simulator knows: where things are, who touches whom, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """The true state of the rig; never to be shown to a policy at run time."""

    position_m: FloatArray  # (K, 3) centres of the K things, base frame
    quaternion_wxyz: FloatArray  # (K, 4)
    T_base_tool: FloatArray  # (4, 4)
    gripper_width_m: float
    gripper_velocity_m_s: float
    finger_contacts: tuple[tuple[bool, bool], ...]  # per thing: left, right
    gripped: tuple[bool, ...]  # per thing: both fingers touch it
    held: tuple[bool, ...]  # per thing: gripped, and nothing but fingers touches it


class ContactReader:
    """Reads who touches whom out of an MjData."""

    def __init__(self, model: Any, thing_geoms: NDArray[np.int64]) -> None:
        self._things = thing_geoms
        body = model.geom_bodyid
        self._finger = np.select([body == model.body("left_finger").id, body == model.body("right_finger").id], [1, 2])

    def read(self, data: Any, count: int) -> tuple[BoolArray, BoolArray]:
        """Which fingers touch each of the first `count` things, (K, 2), and whether anything else does, (K,)."""
        fingers, others = np.zeros((count, 2), bool), np.zeros(count, bool)
        pairs = data.contact.geom[data.contact.exclude == 0]
        for thing, geom in enumerate(self._things[:count]):
            partners = np.concatenate([pairs[pairs[:, 0] == geom, 1], pairs[pairs[:, 1] == geom, 0]])
            touching = self._finger[partners]
            fingers[thing] = (touching == 1).any(), (touching == 2).any()
            others[thing] = (touching == 0).any()
        return fingers, others
