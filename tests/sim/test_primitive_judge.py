from __future__ import annotations

import numpy as np
from autoglm_embodied_sim.policies.primitive_expert import expert_action, observe
from autoglm_embodied_sim.primitive_judge import judge
from autoglm_embodied_sim.robots.panda import ArmRig
from sim_cases import scene, thing

from autoglm_embodied.types import Phase

TWO = (thing("cube", 0.45, -0.1), thing("ball", 0.5, 0.1))


def grasp(rig: ArmRig, index: int, until: Phase) -> None:
    phase = Phase.IDLE
    while phase is not until:
        twist, width, phase = expert_action(observe(rig, index))
        rig.command(twist, width)
        rig.step(30)


def test_nothing_grasped_is_nothing_held(rig: ArmRig) -> None:
    rig.reset(scene(*TWO))
    verdict = judge(rig, 0)
    assert not verdict.held
    assert verdict.held_things == ()


def test_the_wrong_thing_held_is_a_failure(rig: ArmRig) -> None:
    rig.reset(scene(*TWO))
    grasp(rig, 1, until=Phase.HOLD)
    verdict = judge(rig, 0)
    assert not verdict.held
    assert verdict.held_things == (1,)


def test_what_the_policy_did_not_lift_the_judge_lifts(rig: ArmRig) -> None:
    rig.reset(scene(*TWO))
    grasp(rig, 0, until=Phase.LIFT)
    rig.command(np.zeros(6), 0.0)
    verdict = judge(rig, 0)
    assert verdict.held
    assert 0.14 < verdict.raised_m[0] < 0.18
    assert abs(verdict.raised_m[1]) < 0.001


def test_a_hand_that_opens_holds_nothing(rig: ArmRig) -> None:
    rig.reset(scene(*TWO))
    grasp(rig, 0, until=Phase.HOLD)
    rig.command(np.zeros(6), 0.08)
    rig.step(500)
    assert judge(rig, 0).held_things == ()
