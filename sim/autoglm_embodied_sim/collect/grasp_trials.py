"""What is felt when a grasp is tried in a copy of a scene, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.grasping.grasp import (
    ALMOST_M,
    EMPTY_M,
    GUARD_N,
    GUARDED_M_S,
    LEAST_WEIGHT_N,
    LIFT_M_S,
    TRIAL_LIFT_M,
    Grasp,
)
from autoglm_embodied.types import FloatArray, Phase
from autoglm_embodied_sim.collect.step_recorder import Recorder
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.robots.gantry import Gantry

ABOVE_M = 0.015  # what seems to be the highest object, where a descent begins
SUMMED_UP = (Phase.DESCEND, Phase.CLOSE, Phase.LIFT)


@dataclass(frozen=True)
class GraspOutcome:
    """What was felt, NaN where it did not come to that, and what the simulator says."""

    collided: bool  # the descent was broken off
    contact_tip_m: float  # height of the tips where it was
    contact_n: float  # force then
    width_m: float  # after closing
    weight_n: float  # after lifting a little
    wrench: FloatArray  # (3, 2, 6) tared, of SUMMED_UP: mean, and the reading farthest from 0; NaN without that phase
    held_target: bool  # it and no other, after lift and shake
    held_any: bool


class Trials:
    """A rig at rest with its hand empty; every grasp is tried from the same state."""

    def __init__(self, rig: Gantry) -> None:
        self._twin = rig.twin()
        self._twin.tare()  # which takes as long as the objects need to fall asleep
        self._start = self._twin.state()
        self._rest_height_m = rig.truth.position_m(rig.data)[:, 2]

    def outcome(self, grasp: Grasp, obj: int, top_m: float) -> GraspOutcome:
        """Come down, close, lift, weigh, lift on and shake; stop where there is nothing to go on.

        Args:
            grasp: to be tried, table frame.
            obj: index of the object that is wanted.
            top_m: height of what seems to be the highest object, above which the descent begins.
        """
        twin = self._twin
        twin.restore(self._start)
        twin.park(grasp.pose.raised_to(top_m + ABOVE_M), grasp.opening_m)
        recorder = Recorder(twin)
        contact_tip_m = contact_n = width_m = weight_n = float("nan")
        arrived = twin.move(grasp.pose, GUARDED_M_S, GUARD_N)
        if not arrived:
            contact_tip_m, contact_n = twin.pose.z_m, float(np.linalg.norm(twin.wrench()[:3]))
            arrived = contact_tip_m < grasp.pose.z_m + ALMOST_M
        if arrived:
            width_m = twin.grip(0.0)
            if width_m > EMPTY_M:
                twin.move(twin.pose.raised_to(twin.pose.z_m + TRIAL_LIFT_M), LIFT_M_S)
                weight_n = float(twin.weigh()[2])
        wrench = _summary(recorder, twin.tared)
        lifted = weight_n > LEAST_WEIGHT_N and twin.width_m > EMPTY_M
        held = judge(twin, self._rest_height_m).held if lifted else ()
        return GraspOutcome(
            not arrived, contact_tip_m, contact_n, width_m, weight_n, wrench, held == (obj,), len(held) > 0
        )


def _summary(recorder: Recorder, tared: FloatArray) -> FloatArray:
    """(3, 2, 6) see GraspOutcome.wrench."""
    steps = recorder.stop()
    phases, wrench = steps.phases(), steps.wrench - tared
    parts = [_mean_and_peak(wrench, phases == phase.value) for phase in SUMMED_UP]
    return np.stack(parts)


def _mean_and_peak(wrench: FloatArray, during: NDArray[np.bool_]) -> FloatArray:
    """(2, 6) of the rows `during`; NaN if there are none."""
    if not during.any():
        return np.full((2, 6), np.nan)
    rows = wrench[during]
    return np.stack([rows.mean(axis=0), rows[np.argmax(np.abs(rows), axis=0), np.arange(6)]])
