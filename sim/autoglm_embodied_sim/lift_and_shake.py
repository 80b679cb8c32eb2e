"""Whether the hand holds what it should: a lift of 15 cm, a shake sideways and one about the vertical, and a look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.judge import RAISED_M, SHAKE_HZ, SHAKE_M, SHAKE_RAD, SHAKES
from autoglm_embodied_sim.robots.hand_pose import HandPose
from autoglm_embodied_sim.robots.hand_rig import SuiteRig

LIFTED_M = 0.075  # nothing but the hand can hold an object this far above where it lay
LIFT_M_S = 0.1
TRIAL_TIP_M = RAISED_M + 0.05


@dataclass(frozen=True)
class Trial:
    """Which objects were up in the air."""

    lifted: tuple[int, ...]  # after the lift
    raised: tuple[int, ...]  # after the shake


def lift_and_shake_test(rig: SuiteRig, rest_height_m: FloatArray) -> Trial:
    """Lift and shake what is in the hand; which objects are up in the air in between and afterwards."""
    rig.wait(0.2)
    here = rig.pose
    rig.move(here.raised_to(max(here.z_m, TRIAL_TIP_M)), LIFT_M_S)
    rig.wait(0.2)
    lifted = lifted_objects(rig, rest_height_m)
    shake(rig)
    rig.wait(0.2)
    return Trial(lifted, lifted_objects(rig, rest_height_m))


def lifted_objects(rig: SuiteRig, rest_height_m: FloatArray) -> tuple[int, ...]:
    """The objects that are up in the air now."""
    raised = rig.truth.position_m(rig.data)[:, 2] - rest_height_m
    return tuple(int(obj) for obj in np.flatnonzero(raised > LIFTED_M))


def shake(rig: SuiteRig) -> None:
    """SHAKES swings sideways, then as many about the vertical."""
    here = rig.pose
    for amplitude in (HandPose(0, SHAKE_M, 0, 0), HandPose(0, 0, 0, SHAKE_RAD)):
        rig.swing(here, amplitude, SHAKE_HZ, SHAKES)
        rig.wait(0.2)
