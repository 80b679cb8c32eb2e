"""Without the wrist sensor force is unknown, not zero."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.eval.altered_senses import Alteration, AlteredSenses
from autoglm_embodied_sim.eval.episode import Scenario, run_grasp_episode
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import SUITES

from autoglm_embodied.grasping.grasp import holds
from autoglm_embodied.grasping.hand import HandPose

BRICKS = [box(0.05, 0.06, 0.06), box(0.06, 0.05, 0.05)]


@pytest.fixture
def rig() -> Gantry:
    rig = Gantry([SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, 0.5)], np.zeros(3), 20.0, seed=0)
    rig.truth.place(rig.data, 0, np.array([0, 0, 0.02]), np.array([1.0, 0, 0, 0]))
    rig.wait(0.2)
    return rig


def test_a_rig_without_force_is_not_stopped_and_does_not_know_what_it_carries(rig: Gantry) -> None:
    numb, began_ns = RigWithoutForce(rig), rig.time_ns
    numb.tare()
    assert numb.weigh() is None and numb.time_ns == began_ns
    numb.move(HandPose(0.0, -0.04, 0.1, 0))
    assert numb.move(HandPose(0.0, -0.04, 0.03, 0), 0.1, guard_n=8.0)


def test_a_wrapped_rig_shows_nothing_of_the_simulator(rig: Gantry) -> None:
    numb = RigWithoutForce(rig)
    assert numb.pose == rig.pose and numb.aside == rig.aside and numb.width_m == rig.width_m
    assert not any(hasattr(numb, name) for name in ("truth", "data", "model"))


def test_an_unknown_weight_leaves_the_finger_width_to_decide(rig: Gantry) -> None:
    numb = RigWithoutForce(rig)
    rig.tare()
    assert holds(numb) and not holds(rig)  # open in the air: apart, but carrying nothing
    rig.grip(0.0)
    assert not holds(numb)


@pytest.mark.parametrize("policy", ["antipodal_force", "script"])
def test_scripts_still_pick_up_easy_bricks_without_force(policy: str) -> None:
    easy = SUITES["separated"].eased()
    numb = Alteration("force", "without")
    results = [run_grasp_episode(Scenario(easy, BRICKS, seed), policy, AlteredSenses([numb])) for seed in (0, 1)]
    assert all(result.held and result.peak_force_n is not None for result in results)
    assert results != [run_grasp_episode(Scenario(easy, BRICKS, seed), policy) for seed in (0, 1)]
