"""The privileged expert: its trial runs leave no trace, and what it commits to is what held in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.policies.expert import (
    LOWEST_SCATTERED_TIP_M,
    Expert,
    Outcome,
    Rehearsal,
    Search,
    distinct_grasps,
    scattered_grasps,
)
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.grasp import Grasp
from autoglm_embodied.grasping.hand import HandPose

UPRIGHT = np.array([1.0, 0, 0, 0])
ACROSS = Grasp(HandPose(0, 0, 0.008, 0))


def rest_height_m(rig: Gantry) -> Any:
    return rig.truth.position_m(rig.data)[:, 2]


@pytest.fixture
def rig() -> Iterator[Gantry]:
    """A brick of 40 x 30 x 40 mm at the origin under a camera that is a centimetre off."""
    rig = Gantry([SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, 0.5)], np.full(3, 0.01), 20.0, seed=0)
    rig.truth.place(rig.data, 0, np.array([0, 0, 0.02]), UPRIGHT)
    rig.wait(0.2)
    yield rig
    rig.close()


def test_rehearsals_leave_state_and_noise_of_the_rig_alone(rig: Gantry) -> None:
    twin = Gantry(
        [SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, 0.5)], np.full(3, 0.01), 20.0, seed=0
    )
    twin.truth.place(twin.data, 0, np.array([0, 0, 0.02]), UPRIGHT)
    twin.wait(0.2)
    rehearsal = Rehearsal(rig, rest_height_m(rig))
    assert rehearsal.outcome(ACROSS, 0) is Outcome.HELD
    for each in (rig, twin):
        each.move(HandPose(0, 0, 0.1, 0.3))
    np.testing.assert_array_equal(rig.data.qpos, twin.data.qpos)
    np.testing.assert_array_equal(rig.wrench(), twin.wrench())
    np.testing.assert_array_equal(rig.look().frame.depth_m, twin.look().frame.depth_m)
    twin.close()


def test_a_rehearsal_says_what_would_come_of_a_grasp(rig: Gantry) -> None:
    rehearsal = Rehearsal(rig, rest_height_m(rig))
    aside, onto = Grasp(HandPose(0.1, 0, 0.008, 0)), Grasp(HandPose(0, 0.04, 0.008, 0))
    outcomes = [rehearsal.outcome(grasp, 0) for grasp in (aside, ACROSS, onto, ACROSS)]
    assert outcomes == [Outcome.LEFT, Outcome.HELD, Outcome.LEFT, Outcome.HELD]


def test_the_true_heights_know_no_camera_offset(rig: Gantry) -> None:
    heights = Rehearsal(rig, rest_height_m(rig)).heights
    rows, columns = np.nonzero(heights.owner == 0)
    assert heights.height_m[rows, columns].max() == pytest.approx(0.04, abs=0.003)
    assert abs(rows.mean() - columns.mean()) < 1 and abs(rows.mean() - len(heights.owner) / 2) < 1.5


def test_candidates_are_unlike_each_other_and_follow_from_the_seed(rig: Gantry) -> None:
    rehearsal = Rehearsal(rig, rest_height_m(rig))
    centre = rehearsal.centre_m(0)
    found = distinct_grasps(rehearsal.heights, 0, centre, (), 10)
    assert 2 <= len(found) <= 10 and len(set(found)) == len(found)
    assert found[0] not in distinct_grasps(rehearsal.heights, 0, centre, found[:1], 10)
    drawn = [scattered_grasps(rehearsal.heights, 0, centre, np.random.default_rng(1), 5) for _ in range(2)]
    assert drawn[0] == drawn[1] and all(grasp.pose.z_m >= LOWEST_SCATTERED_TIP_M for grasp in drawn[0])


def test_a_neighbour_in_the_way_is_taken_aside() -> None:
    """A low brick in a well of two tall ones that leave fingers no room, whichever way they turn."""
    brick = SceneObject(box(0.05, 0.05, 0.03), "red", (1, 0, 0), 0.2, 0.5)
    tall = SceneObject(box(0.12, 0.04, 0.06), "blue", (0, 0, 1), 0.2, 0.5)
    end = SceneObject(box(0.04, 0.052, 0.06), "blue", (0, 0, 1), 0.2, 0.5)
    rig = Gantry([brick, tall, tall, end, end], np.zeros(3), 20.0, seed=0)
    places = ((0, 0, 0.015), (0, 0.047, 0.03), (0, -0.047, 0.03), (0.047, 0, 0.03), (-0.047, 0, 0.03))
    for index, place in enumerate(places):
        rig.truth.place(rig.data, index, np.array(place), UPRIGHT)
    rig.wait(0.3)
    search = Search(rig, 0, np.random.default_rng(0), rest_height_m(rig), rig)
    report = search.run()
    rig.close()
    assert report.confident and search.digs >= 1
    assert search.approaches[0].obj != 0 and search.approaches[-1].obj == 0


@pytest.mark.parametrize("seed", [98, 108, 171])
def test_what_flat_contacts_cannot_carry_is_held_by_an_edge(seed: int) -> None:
    """Plates 2 cm high, heavier than 2 mu times the grip force; with tips 4 mm above the table none of them is held."""
    suite = suite_named("weak_grip")
    scene = sample_grasp_scene(suite, learning_shapes(Split.VALIDATE), seed)
    obj = scene.objects[0]
    assert obj.mass_kg * 9.81 > 2 * obj.friction * suite.grip_force_n
    rig = lay_out(suite, scene)
    report = Search(rig, 0, np.random.default_rng(seed), rest_height_m(rig), rig).run()
    rig.close()
    assert report.confident and report.tries <= 2


def test_the_expert_needs_a_rig_that_can_be_copied() -> None:
    with pytest.raises(ConfigError, match="--rig gantry"):
        Expert().run(cast(Any, object()), 0, np.random.default_rng(0))
