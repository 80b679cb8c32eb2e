"""The suite primitives: objects that lie apart in a plain room, and a sentence that fits one of them alone."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.eval.splits import MEASURING_GRAMMAR
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.language.instruction import instruct
from autoglm_embodied_sim.objects.shape import solid
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.scenes.scene import PRIMITIVES_APART_M, GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.train.instructions import described, matches

SUITE = suite_named("primitives")


def drawn(seed: int, **settings: object) -> GraspScene:
    return sample_grasp_scene(replace(SUITE, **settings), (), seed)


def test_objects_lie_apart_within_the_workspace_in_a_room_without_texture() -> None:
    for seed in range(100):
        scene = drawn(seed)
        gaps = np.linalg.norm(scene.drop_xy_m[:, None] - scene.drop_xy_m, axis=-1) + np.eye(3)
        assert gaps.min() >= PRIMITIVES_APART_M
        assert (np.abs(scene.drop_xy_m) <= [0.12, 0.22]).all()
        assert all(0.030 <= obj.shape.extent_m[0] <= 0.045 for obj in scene.objects)
        assert scene.surroundings.contrast == 0 and not np.any(scene.surroundings.camera_offset_m)
        assert not scene.hand_eye_m.any()


def test_unique_scenes_repeat_neither_colour_nor_shape_and_others_may() -> None:
    for seed in range(50):
        objects = drawn(seed).objects
        assert len({obj.colour for obj in objects}) == len({obj.shape.name for obj in objects}) == 3
    names = [[obj.name for obj in drawn(seed, unique=False).objects] for seed in range(100)]
    assert any(len(set(row)) < len(row) for row in names)


@pytest.mark.parametrize("grammar", [LEARNING_GRAMMAR, MEASURING_GRAMMAR])
def test_the_sentence_is_a_command_that_the_core_understands_and_fits_the_target_alone(grammar: object) -> None:
    forms = set()
    for seed in range(60):
        scene = drawn(seed)
        rest_m = np.column_stack([scene.drop_xy_m, np.full(3, 0.02)])
        instruction = instruct(SUITE, scene, rest_m, grammar)  # type: ignore[arg-type]
        assert instruction is not None and instruction.target == scene.target
        meaning = parse_command(instruction.text)
        assert meaning is not None
        description = described(meaning.instruction)
        assert matches(description, [(obj.colour, obj.shape.name) for obj in scene.objects]) == [scene.target]
        forms.add((description.colour is None, description.shape is None))
    assert forms == {(False, True), (True, False), (False, False)}


def test_more_objects_than_fit_or_than_colours_are_refused() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        drawn(0, objects=30, unique=False)
    with pytest.raises(ConfigError, match="6 colours"):
        drawn(0, objects=7)


@pytest.mark.parametrize("name", ["cube", "cylinder", "ball"])
def test_a_solid_has_the_inertia_that_mujoco_finds_in_its_geom(name: str) -> None:
    shape = solid(name, 0.04)
    rig = Gantry([SceneObject(shape, "red", (1, 0, 0), 0.2, 0.5)], np.zeros(3), 20.0, seed=0)
    geom, body = rig.model.geom("object0"), rig.model.body("object0")
    spec = mujoco.MjSpec()
    copy = spec.worldbody.add_body()
    copy.add_geom(type=geom.type[0], size=geom.size, mass=0.2)
    alone = spec.compile()
    np.testing.assert_allclose(body.inertia, alone.body_inertia[1], rtol=1e-6)
    np.testing.assert_allclose(np.diag(shape.inertia(0.2)), alone.body_inertia[1], rtol=1e-6)
    assert shape.scaled(2.0).solid is not None and shape.scaled(2.0).volume_m3 == pytest.approx(8 * shape.volume_m3)
    assert int(geom.condim[0]) == (6 if name == "ball" else 4)


def test_a_shape_nobody_can_build_is_refused() -> None:
    with pytest.raises(ConfigError, match="cube, cylinder or ball, got 'elephant'"):
        solid("elephant", 0.04)
