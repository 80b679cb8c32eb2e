"""The sentence of a demo names one thing and no other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoglm_embodied.errors import SensorError
from autoglm_embodied.graph.scene_description import SceneThings, held_things
from autoglm_embodied.voice.grammar import parse_command

RESET = json.dumps(
    {"seed": 1, "things": [{"colour": c, "shape": s} for c, s in (("red", "cube"), ("blue", "ball"), ("red", "ball"))]}
)


@given(st.integers(0, 10_000))
def test_the_sentence_is_a_command_that_names_one_thing(seed: int) -> None:
    scene = SceneThings.from_json(RESET)
    meaning = parse_command(scene.sentence(seed))
    assert meaning is not None and len(scene.named_by(meaning.instruction)) == 1


def test_different_seeds_say_different_sentences() -> None:
    scene = SceneThings.from_json(RESET)
    assert len({scene.sentence(seed) for seed in range(20)}) >= 6


def test_absent_and_ambiguous_names_fit_none_and_many() -> None:
    scene = SceneThings.from_json(RESET)
    assert scene.named_by("pick up the green cylinder") == []
    assert len(scene.named_by("pick up the ball")) == 2


def test_what_is_in_the_hand_is_read_from_the_judge() -> None:
    assert held_things('{"held": [{"colour": "red", "shape": "cube", "mass_kg": 0.1}]}') == [("red", "cube")]
    assert held_things('{"held": []}') == []


@pytest.mark.parametrize("answer", ["", "null", "{}", '{"held": [1]}', '{"held": [{"shape": "cube"}]}'])
def test_an_answer_that_is_no_judgement_is_one_sentence(answer: str) -> None:
    with pytest.raises(SensorError, match="must answer 'held' as JSON"):
        held_things(answer)
