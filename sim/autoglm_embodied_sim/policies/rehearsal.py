"""Trying grasps out in a twin of the rig before one of them is carried out."""

from __future__ import annotations

from enum import Enum

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.policies.grasp import (
    ALMOST_M,
    EMPTY_M,
    GUARD_N,
    GUARDED_M_S,
    LIFT_M_S,
    TRIAL_LIFT_M,
    Grasp,
)
from autoglm_embodied_sim.policies.height_map import HeightMap, height_map
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.gantry_model import overhead

ABOVE_M = 0.01  # the highest object, where a rehearsed descent begins


class Outcome(Enum):
    """What a rehearsed grasp does to an object."""

    LEFT = 0  # lying on the table
    LIFTED = 1  # a little, and lost again, or not alone
    HELD = 2  # this object alone, through lift and shake


class Rehearsal:
    """A twin of a rig whose hand is empty and aside; every grasp is tried from the same state."""

    def __init__(self, rig: Gantry, rest_height_m: FloatArray) -> None:
        """Copy the rig; `rest_height_m` (count,) is where the objects lay when the episode began."""
        self._twin, self._rest_height_m = rig.twin(), rest_height_m
        self._twin.tare()  # which takes as long as the objects need to fall asleep
        self._start = self._twin.state()
        self.heights = true_heights(rig)
        self._over_m = float(self.heights.height_m.max()) + ABOVE_M

    def centre_m(self, obj: int) -> FloatArray:
        """(3,) centre of mass of an object."""
        return np.asarray(self._twin.truth.position_m(self._start.data)[obj])

    def outcome(self, grasp: Grasp, obj: int) -> Outcome:
        """What becomes of this object by a guarded descent, closing, lift and shake."""
        twin = self._twin
        twin.restore(self._start)
        twin.park(grasp.pose.raised_to(self._over_m), grasp.opening_m)
        arrived = twin.move(grasp.pose, GUARDED_M_S, GUARD_N) or twin.pose.z_m < grasp.pose.z_m + ALMOST_M
        if not arrived or twin.grip(0.0) < EMPTY_M:
            return Outcome.LEFT
        twin.move(twin.pose.raised_to(twin.pose.z_m + TRIAL_LIFT_M), LIFT_M_S)
        risen_m = twin.truth.position_m(twin.data)[obj, 2] - self.centre_m(obj)[2]
        if risen_m < TRIAL_LIFT_M / 2:
            return Outcome.LEFT
        return Outcome.HELD if judge(twin, self._rest_height_m).success(obj) else Outcome.LIFTED


def keeps(rig: Gantry, obj: int, rest_height_m: FloatArray) -> bool:
    """Whether what the hand holds now would be this object and no other after lift and shake."""
    return judge(rig.twin(), rest_height_m).success(obj)


def true_heights(rig: Gantry) -> HeightMap:
    """The height map of a camera that knows where it is; the rig's own noise is left alone."""
    true = overhead(rig.surroundings, np.zeros(3))
    return height_map(rig.eye().view(rig.data, rig.time_ns, np.random.default_rng(0), true))
