"""A demo says what the simulator chose to say, and holds what the simulator's judge found in the hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.graph_recording import GraphRecording, RecordedCommand
from autoglm_embodied.tools.demo.result import Course, DemoScene, held_objects
from autoglm_embodied.tools.demo.run import DemoRequest, conclusion
from autoglm_embodied.types import Intent

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


def test_unknown_objects_are_called_by_what_people_see() -> None:
    answer = json.loads(RESET) | {"objects": [{"colour": "red", "shape": "random_urdfs/822"}, OBJECTS[1]]}
    assert str(DemoScene.from_json(json.dumps(answer))) == "red object, blue ball"


def test_unknown_objects_are_grasped_by_the_policy_named(tmp_path: Path) -> None:
    request = DemoRequest(None, None, False, "pile", 7, None, tmp_path, False, None, None)
    request.check()
    told = {name: " ".join(arguments) for name, arguments in request.arguments().items()}
    assert "suite:=pile" in told["sim_node"] and "seed:=7" in told["sim_node"] and "count:=0" in told["sim_node"]
    (file,) = [word for word in told["fusion_node"].split() if word.endswith(".yaml")]
    assert yaml.safe_load(Path(file).read_text())["/**/fusion_node"]["ros__parameters"]["policy"] == "named"
    primitives = replace(request, suite="primitives").arguments()
    assert "count:=3" in primitives["sim_node"] and not primitives["fusion_node"]
    with pytest.raises(ConfigError, match="--checkpoint is of the policy of primitives"):
        replace(request, checkpoint=tmp_path).check()


def test_a_demo_that_hears_another_command_says_which(tmp_path: Path) -> None:
    request = DemoRequest(None, None, False, "primitives", 0, 3, tmp_path, False, None, None)
    stop = RecordedCommand(0, Intent.STOP.value, "stop", "", 1.0, 0)
    assert "'stop' was heard, which asks for no grasp" in conclusion(Course(heard=stop), GraphRecording(), request)
