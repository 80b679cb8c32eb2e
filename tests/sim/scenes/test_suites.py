"""Suites: settings that hold, scenes that follow from the seed."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.layout import lay_out, lay_out_task, put_away, settle
from autoglm_embodied_sim.scenes.scene import SEPARATION_M, GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import EASY, SUITES, suite_named

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import NAMED_LABEL

SHAPES = learning_shapes(Split.VALIDATE, 20)


def drawn(name: str, seed: int) -> GraspScene:
    return sample_grasp_scene(SUITES[name], SHAPES, seed)


@pytest.mark.parametrize("name", SUITES)
def test_a_scene_follows_from_its_seed_and_keeps_the_settings(name: str) -> None:
    suite, one, again, other = SUITES[name], drawn(name, 3), drawn(name, 3), drawn(name, 4)
    assert [obj.shape.name for obj in one.objects] == [obj.shape.name for obj in again.objects]
    np.testing.assert_array_equal(one.quaternion_wxyz, again.quaternion_wxyz)
    assert (one.quaternion_wxyz != other.quaternion_wxyz).any()
    assert len(one.objects) == suite.objects and 0 <= one.target < suite.objects
    for obj in one.objects:
        (least, most), (lightest, heaviest) = suite.hardness.friction, suite.hardness.mass_kg
        assert least <= obj.friction <= most and lightest <= obj.mass_kg <= heaviest


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("kind", [Gantry, Arm])
def test_every_suite_lies_in_sight_of_every_rig_and_asks_for_an_object(name: str, kind: type) -> None:
    task = lay_out_task(SUITES[name], drawn(name, 2), LEARNING_GRAMMAR, kind)
    rig = task.rig
    places = rig.truth.position_m(rig.data)
    seen = set(np.unique(rig.look().owner)) - {-1}
    rig.close()
    assert len(places) == SUITES[name].objects and np.abs(places[:, :2]).max() < 0.3 and (places[:, 2] > 0).all()
    assert len(seen) >= 0.8 * len(places)
    np.testing.assert_array_equal(task.rest_height_m, places[:, 2])
    assert task.kind in ("one", "none", "many", None) and task.words
    assert task.target is None or 0 <= task.target < len(places)
    assert (task.target is None) == (task.kind in ("none", "many"))
    labels, obj = task.label_of_geom, rig.truth.object_of_geom
    assert not labels[obj < 0].any() and ((labels == NAMED_LABEL) == (obj == task.target)).all()
    assert len(np.unique(labels)) == len(np.unique(obj))


def test_easy_physics_hide_no_offset() -> None:
    scene = sample_grasp_scene(SUITES["pile"].eased(), SHAPES, 0)
    assert (scene.hand_eye_m == 0).all()
    assert all(obj.friction >= EASY.friction[0] and obj.mass_kg <= EASY.mass_kg[1] for obj in scene.objects)


def test_separated_objects_lie_apart_and_piled_ones_together() -> None:
    apart = drawn("separated", 1).drop_xy_m
    gaps = np.linalg.norm(apart[:, None] - apart, axis=-1) + np.eye(len(apart))
    assert gaps.min() >= SEPARATION_M
    rig = lay_out(SUITES["pile"], drawn("pile", 1))
    places = rig.truth.position_m(rig.data)
    rig.close()
    assert np.abs(places[:, :2]).max() < 0.2 and np.median(np.abs(places[:, :2])) < 0.07
    assert (places[:, 2] > 0).all() and places[:, 2].max() > places[:, 2].min() + 0.005
    assert rig.truth.speed_m_s(rig.data).max() < 0.05


@pytest.mark.parametrize("name", ["primitives", "language", "declutter"])
@pytest.mark.parametrize("seed", [0, 10, 17])
def test_a_layout_lies_still_and_in_sight(name: str, seed: int) -> None:
    rig = lay_out(SUITES[name], drawn(name, seed))
    before = rig.truth.position_m(rig.data)
    rig.wait(0.5)
    after = rig.truth.position_m(rig.data)
    rig.close()
    assert np.abs(after - before).max() < 0.001 and np.abs(after[:, :2]).max() < 0.24


def test_what_is_put_away_is_gone_and_moves_nothing_else() -> None:
    rig = lay_out(SUITES["declutter"], drawn("declutter", 1))
    before = rig.truth.position_m(rig.data)
    highest = int(before[:, 2].argmax())
    put_away(rig, highest)
    settle(rig)
    after, seen = rig.truth.position_m(rig.data), set(np.unique(rig.look().owner))
    rig.close()
    assert highest not in seen and len(seen - {-1}) == len(before) - 1
    others = np.arange(len(before)) != highest
    assert np.abs(after[highest, :2] - before[highest, :2]).max() > 1.0
    assert np.abs(after[others] - before[others]).max() < 0.001


def test_a_mixed_scene_holds_unknown_objects_primitives_and_groceries() -> None:
    names = [obj.shape.name.partition("/")[0] for seed in range(40) for obj in drawn("language", seed).objects]
    assert set(names) == {"random_urdfs", "box", "cylinder", "ball", "groceries"}
    assert 0.2 < names.count("groceries") / len(names) < 0.5 and 0.2 < names.count("random_urdfs") / len(names) < 0.5


def test_an_unknown_suite_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="primitives, separated, large, weak_grip, pile, language, declutter"):
        suite_named("heap")
