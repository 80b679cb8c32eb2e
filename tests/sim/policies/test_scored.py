"""The scored script: what a try felt is noted, changes where it tries next, and is forgotten with the scene."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce
from autoglm_embodied_sim.scenes.scene_object import SceneObject

from autoglm_embodied.grasping.force_feedback import ALL
from autoglm_embodied.grasping.grasp import Grasp
from autoglm_embodied.grasping.grasp_choice import Choice, GraspChooser, scorer_of
from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.grasping.height_map import CELL_M, CELLS, HALF_M, HeightMap
from autoglm_embodied.grasping.scored import FeelingRig, ScoredGrasp
from autoglm_embodied.policy.attempt_memory import AttemptMemory, Felt, HiddenPrior, Hypotheses
from autoglm_embodied.types import TryOutcome

GRID = Hypotheses(HiddenPrior())
AXIS = (np.arange(CELLS) + 0.5) * CELL_M - HALF_M
X, Y = np.meshgrid(AXIS, AXIS)
BAR, WALL = (np.abs(X) < 0.05) & (np.abs(Y) < 0.015), (np.abs(X) < 0.05) & (np.abs(Y - 0.045) < 0.012)
TABLE = HeightMap(np.where(BAR, 0.03, np.where(WALL, 0.05, 0.0)), np.where(BAR, 0, np.where(WALL, 1, -1)).astype("i2"))
ALONE = HeightMap(np.where(BAR, 0.03, 0.0), np.where(BAR, 0, -1).astype("i2"))
ACROSS = Grasp(HandPose(0.0, 0.0, 0.008, 0.0))


def chooser(*tries: tuple[Choice, Felt], seed: int = 0) -> GraspChooser:
    memory = AttemptMemory(GRID)
    for choice, felt in tries:
        memory.note(choice.obj, GRID.log_likelihood(choice.expected, felt))
    return GraspChooser(scorer_of(), memory, 20.0, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def first() -> Choice:
    choice = chooser().best(TABLE, 0, [])
    assert choice is not None
    return choice


def test_a_failed_try_lowers_the_prospects_nearby(first: Choice) -> None:
    pose = first.grasp.pose
    near = Grasp(HandPose(pose.x_m + 0.002, pose.y_m, pose.z_m, pose.yaw_rad + np.pi - 0.05), first.grasp.opening_m)
    far = Grasp(HandPose(-pose.x_m, pose.y_m, pose.z_m, -pose.yaw_rad), first.grasp.opening_m)
    before = chooser().prospects(TABLE, 0, [near, far], [])
    for felt in (Felt(TryOutcome.NOTHING, width_m=0.001), Felt(TryOutcome.COLLIDED, contact_m=0.03)):
        after = chooser((first, felt)).prospects(TABLE, 0, [near, far], [first.grasp])
        near_loses, far_loses = (then.held / now.held for then, now in zip(after, before, strict=True))
        assert near_loses < 0.85 and near_loses < far_loses


def test_the_memory_of_another_episode_changes_the_choice() -> None:
    grasps = [Grasp(HandPose(0.0, float(y), 0.008, 0.0), 0.06) for y in np.linspace(-0.02, 0.02, 21)]

    def chosen_m(offset_m: float) -> float:
        """Along y, by a hand that felt that the camera is off by so much."""
        remembering = chooser()
        off = (GRID.offset_m[:, 1:] - offset_m) / 0.001
        remembering.memory.note(0, np.repeat(-0.5 * off**2, len(GRID.hidden), axis=1))
        return max(remembering.prospects(ALONE, 0, grasps, []), key=lambda choice: choice.held).grasp.pose.y_m

    assert chosen_m(0.008) < chosen_m(-0.008) - 0.006  # what seems to be too far along y lies before that
    assert chosen_m(0.008) == chosen_m(0.008)


def test_no_grasp_is_repeated_and_nothing_unseen_is_grasped(first: Choice) -> None:
    again = chooser().best(TABLE, 0, [first.grasp])
    assert again is not None
    apart = np.abs(again.grasp.pose.values - first.grasp.pose.values)
    assert np.linalg.norm(apart[:2]) > 0.007 or apart[2] > 0.007 or apart[3] > 0.3
    assert chooser().best(TABLE, 5, []) is None


@pytest.fixture
def rig() -> Iterator[Gantry]:
    made = Gantry([SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, 0.5)], np.zeros(3), 20.0, seed=0)
    made.truth.place(made.data, 0, np.array([0, 0, 0.02]), np.array([1.0, 0, 0, 0]))
    made.wait(0.2)
    yield made
    made.close()


def felt_and_held(feeling: FeelingRig, grasp: Grasp) -> bool | None:
    episode = ScoredGrasp(feeling, 0, ALL, chooser=chooser())
    episode.tried = Choice(0, grasp, 0.5, chooser().expected(TABLE, 0, [grasp])[0])
    before = episode.chooser.memory.weights(0)
    held = episode.carry_out(grasp)
    assert (held is True) == np.array_equal(before, episode.chooser.memory.weights(0))
    return held


def test_a_miss_a_collision_and_a_grasp_are_each_felt_as_such(rig: Gantry) -> None:
    felt = FeelingRig(rig)
    assert felt_and_held(felt, Grasp(HandPose(0.1, 0.1, 0.01, 0.0))) is False
    assert felt.closed_m < 0.003 and math.isnan(felt.weight_n) and math.isnan(felt.contact_tip_m)
    assert felt_and_held(felt, Grasp(HandPose(0.0, 0.035, 0.01, 0.0), 0.05)) is None
    assert felt.contact_tip_m == pytest.approx(0.04, abs=0.004)
    assert math.isnan(felt.closed_m) and math.isnan(felt.weight_n)
    assert felt_and_held(felt, ACROSS) is True
    assert felt.closed_m == pytest.approx(0.03, abs=0.002) and math.isnan(felt.contact_tip_m)
    assert felt.weight_n == pytest.approx(0.3 * 9.81, abs=0.2)


def test_a_numb_hand_notes_no_weight(rig: Gantry) -> None:
    felt = FeelingRig(RigWithoutForce(rig))
    assert felt_and_held(felt, ACROSS) is True
    assert math.isnan(felt.weight_n) and felt.closed_m == pytest.approx(0.03, abs=0.002)
