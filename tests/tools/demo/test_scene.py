"""A demo says what the simulator chose to say, and holds what the simulator's judge found in the hand."""

from __future__ import annotations

import json

import pytest

from autoglm_embodied.errors import SensorError
from autoglm_embodied.tools.demo.result import Course, DemoScene, held_objects

OBJECTS = [{"colour": c, "shape": s} for c, s in (("red", "cube"), ("blue", "ball"), ("red", "ball"))]
RESET = json.dumps({"seed": 1, "instruction": "grab the blue one", "target": 1, "kind": "one", "objects": OBJECTS})
SCENE = DemoScene.from_json(RESET)


def test_the_sentence_comes_from_the_simulator_and_means_its_target() -> None:
    assert SCENE.instruction == "grab the blue one" and SCENE.named_by("Grab the blue one.") == 1
    odd = DemoScene(SCENE.objects, "fetch what lies on the left", 2)  # which colours and shapes do not say
    assert odd.named_by("fetch what lies on the left") == 2


def test_a_sentence_of_ones_own_names_the_one_object_that_it_fits() -> None:
    assert SCENE.named_by("pick up the cube") == 0 and SCENE.named_by("take the red ball") == 2
    assert SCENE.named_by("pick up the green cylinder") is None  # none
    assert SCENE.named_by("pick up the ball") is None  # several


@pytest.mark.parametrize(
    ("in_hand", "held"), [((1,), True), ((2,), False), ((1, 2), False), ((), False), (None, False)]
)
def test_held_is_what_the_judge_says_of_the_named_object_and_no_other(
    in_hand: tuple[int, ...] | None, held: bool
) -> None:
    assert Course(scene=SCENE, said=SCENE.instruction, in_hand=in_hand).held is held


def test_objects_are_told_in_words() -> None:
    assert str(SCENE) == "red cube, blue ball, red ball" and SCENE.names(()) == "nothing"


def test_what_is_in_the_hand_is_read_from_the_judge() -> None:
    assert held_objects('{"held": [2], "objects": []}') == (2,) and held_objects('{"held": []}') == ()


@pytest.mark.parametrize("answer", ["", "null", "{}", '{"held": ["red"]}', '{"held": 1}'])
def test_an_answer_that_is_no_judgement_is_one_sentence(answer: str) -> None:
    with pytest.raises(SensorError, match="must answer 'held' as JSON"):
        held_objects(answer)


@pytest.mark.parametrize("answer", ["", "null", '{"objects": []}', '{"objects": [1], "instruction": "", "target": 0}'])
def test_an_answer_that_is_no_scene_is_one_sentence(answer: str) -> None:
    with pytest.raises(SensorError, match="must answer with a scene as JSON"):
        DemoScene.from_json(answer)
