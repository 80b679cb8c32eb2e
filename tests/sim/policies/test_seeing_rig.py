"""The policy named sees for itself: words alone say which object is grasped, or that none is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.eval.episode import Scenario, run_grasp_episode
from autoglm_embodied_sim.objects.shape import ball, box
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.layout import put_away
from autoglm_embodied_sim.scenes.scene_object import RGB, SceneObject
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.grasping.hand import NOTHING, HandPose, View, WrappedRig
from autoglm_embodied.grasping.named import Named
from autoglm_embodied.grasping.seeing_rig import NAMED, SeeingRig, seeing, segmenter_of
from autoglm_embodied.model.instances import segment
from autoglm_embodied.types import Referent

RED, BLUE, GREEN = (0.8, 0.1, 0.1), (0.15, 0.3, 0.85), (0.15, 0.7, 0.2)
CUBE = box(0.045, 0.045, 0.045)


def made(shape: object, colour: str, rgb: RGB) -> SceneObject:
    return SceneObject(shape, colour, rgb, 0.2, 0.5)  # type: ignore[arg-type]


@pytest.fixture
def table() -> Gantry:
    objects = [made(CUBE, "red", RED), made(CUBE, "blue", BLUE), made(ball(0.04), "green", GREEN)]
    rig = Gantry(objects, np.zeros(3), 20.0, seed=0)
    for index, (x, y) in enumerate(((0.08, 0.08), (-0.08, 0.06), (0.0, -0.09))):
        rig.truth.place(rig.data, index, np.array([x, y, 0.0225]), np.array([1.0, 0, 0, 0]))
    rig.move(rig.aside)
    return rig


class Mirrored(WrappedRig):
    """A rig whose images are mirrored left to right as the robot sees it, which is along their columns."""

    def look(self) -> View:
        view = self._rig.look()
        frame = replace(view.frame, rgb=view.frame.rgb[::-1].copy(), depth_m=view.frame.depth_m[::-1].copy())
        return View(frame, view.owner[::-1])


class OwnersHidden(WrappedRig):
    """A rig whose images say of every pixel that it shows object 2, whatever it shows."""

    def look(self) -> View:
        view = self._rig.look()
        return View(view.frame, np.full_like(view.owner, 2))


def found(rig: Gantry, words: str) -> tuple[Referent, int | None]:
    """How many objects words mean, and which object of the simulator shows the pixels that are then named."""
    policy, before = Named(), rig.pose
    how_many = policy.find(OwnersHidden(rig), words, np.random.default_rng(0))
    assert rig.pose == before
    if how_many is not Referent.ONE:
        return how_many, None
    truth, said = rig.look().owner, policy.see().owner
    return how_many, int(np.bincount(truth[said == NAMED] + 1).argmax()) - 1


@pytest.mark.parametrize(
    ("words", "index"),
    [
        ("pick up the red cube", 0),
        ("pick up the blue cube", 1),
        ("take the thing on the right", 2),
        ("grab the cube behind the blue one", 0),
    ],
)
def test_other_words_name_other_objects(words: str, index: int, table: Gantry) -> None:
    assert found(table, words) == (Referent.ONE, index)


@pytest.mark.parametrize(
    ("words", "how_many"),
    [
        ("pick up the purple cube", Referent.NONE),
        ("pick up the cube", Referent.MANY),
        ("pick up the elephant", Referent.NONE),
        ("do a dance", Referent.NONE),
        ("nimm den roten Würfel", Referent.NONE),  # it reads English unless it is told otherwise
    ],
)
def test_what_names_none_or_several_is_refused_and_nothing_moves(words: str, how_many: Referent, table: Gantry) -> None:
    assert found(table, words) == (how_many, None)


@pytest.mark.parametrize(("words", "mirrored"), [("take the thing on the right", "take the thing on the left")])
def test_image_and_words_mirrored_together_mirror_the_choice(words: str, mirrored: str, table: Gantry) -> None:
    named = []
    for rig, said in ((table, words), (Mirrored(table), mirrored), (Mirrored(table), words)):
        eyes = seeing(rig, said, np.random.default_rng(0))
        assert eyes.find() is Referent.ONE
        named.append(eyes.look().owner == NAMED)
    one, again, other = named[0], named[1][::-1], named[2][::-1]
    assert (one & again).sum() > 0.9 * (one | again).sum() and not (one & other).any()


def test_what_was_taken_away_is_gone_and_what_rolled_is_found_again(table: Gantry) -> None:
    eyes = seeing(table, "pick up the red cube", np.random.default_rng(0))
    assert eyes.find() is Referent.ONE
    table.truth.place(table.data, 0, np.array([0.12, 0.13, 0.0225]), np.array([1.0, 0, 0, 0]))
    assert (eyes.look().owner == NAMED).sum() > 100
    put_away(table, 0)
    owner = eyes.look().owner
    assert not (owner == NAMED).any() and set(np.unique(owner)) == {-1, 1, 2}


def test_with_something_in_the_hand_only_what_still_lies_there_is_the_named_one(table: Gantry) -> None:
    eyes = seeing(table, "pick up the red cube", np.random.default_rng(0))
    eyes.find()
    eyes.move(HandPose(0.08, 0.08, 0.15, 0.0))
    eyes.move(HandPose(0.08, 0.08, 0.015, 0.0))
    eyes.grip(0.0)
    eyes.move(HandPose(0.08, 0.08, 0.25, 0.0))
    eyes.move(eyes.aside)
    assert not (eyes.look().owner == NAMED).any(), "it is in the hand"


def test_at_the_end_another_one_that_looks_alike_is_not_taken_for_the_one_in_the_hand() -> None:
    rig = Gantry([made(CUBE, "red", RED), made(CUBE, "red", RED)], np.zeros(3), 20.0, seed=0)
    for index, y in enumerate((0.08, -0.08)):
        rig.truth.place(rig.data, index, np.array([0.0, y, 0.0225]), np.array([1.0, 0, 0, 0]))
    rig.move(rig.aside)
    policy, rng = Named(), np.random.default_rng(0)
    assert policy.find(rig, "pick up the red cube on the left", rng) is Referent.ONE
    assert policy.run(rig, 0, rng).confident
    assert rig.truth.position_m(rig.data)[0, 2] > 0.1
    assert not (policy.see().owner == NAMED).any()
    rig.close()


def test_an_instruction_that_fits_nothing_is_refused_in_an_episode() -> None:
    from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes

    scenario = Scenario(suite_named("language"), learning_shapes(Split.VALIDATE), 3)
    result = run_grasp_episode(scenario, "named")
    assert result.kind == "none" and result.refused and not result.held and result.approaches == 0


def test_without_words_any_object_will_do(table: Gantry) -> None:
    eyes = SeeingRig(table, None)
    assert eyes.find() is Referent.ONE and set(np.unique(eyes.look().owner)) == {-1, 0, 1, 2}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_robots_own_base_is_no_object(seed: int) -> None:
    scenario = Scenario(suite_named("primitives"), (), seed, "arm")
    task = scenario.lay_out()
    view = task.rig.look()
    whole = segment(segmenter_of(), view.frame)
    owners = SeeingRig(task.rig, None).look().owner
    labels = np.unique(owners[owners != NOTHING])
    assert len(whole.instances) > len(labels) == len(task.scene.objects)  # the camera in front sees the base, too
    for label in labels:
        assert (view.owner[owners == label] != NOTHING).mean() > 0.9
