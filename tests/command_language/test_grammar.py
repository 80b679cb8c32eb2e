"""Sentences as recognisers write them, and what they mean."""

from __future__ import annotations

import pytest

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.command_language.near_miss import edit_distance, snap_to_vocabulary
from autoglm_embodied.types import Intent

GRASPS = {
    "Pick up the red cube.": "pick up the red cube",
    "Grab the blue one.": "pick up the blue one",
    "Lift the purple.": "pick up the purple one",
    "Pick the red ball up.": "pick up the red ball",
    "Could you grab the read cube, please?": "pick up the red cube",
    "And you pick up the blue cylinder.": "pick up the blue cylinder",
    "Good you, pick up the blue cylinder": "pick up the blue cylinder",
    "hero bot, pick up the ball, the red one": "pick up the red ball",
    "okay so and you pick up the blue can": "pick up the blue cylinder",
    "Hey robot, will you please grab the blue can?": "pick up the blue cylinder",
    "Can you pick up the blue can?": "pick up the blue cylinder",
    "I want you to grab the green block.": "pick up the green cube",
    "Please give me the yellow sphere now": "pick up the yellow ball",
    "Get hold of the orange box.": "pick up the orange cube",
    "Graspy orange cube.": "pick up the orange cube",
    "Pick up the yellow sylinder": "pick up the yellow cylinder",
    "take the red bawl": "pick up the red ball",
    "pick up the cube that is green": "pick up the green cube",
    "grab the ball from the table and give it to me": "pick up the ball",
    "Pick up the purple elephant!": "pick up the purple elephant",
    "pick up the black cube": "pick up the black cube",
    "pick up the tall red cube": "pick up the tall red cube",
    "take the green cannon": "pick up the green cannon",
    "Fetch the elephant": "pick up the elephant",
}


@pytest.mark.parametrize(("heard", "instruction"), GRASPS.items())
def test_grasp_sentences_become_one_normal_form(heard: str, instruction: str) -> None:
    parsed = parse_command(heard)
    assert parsed is not None
    assert (parsed.intent, parsed.instruction) == (Intent.GRASP, instruction)


@pytest.mark.parametrize(
    ("heard", "intent"),
    [
        ("Stop.", Intent.STOP),
        ("Stop! Stop!", Intent.STOP),
        ("Please stop now.", Intent.STOP),
        ("Oh no, stop it!", Intent.STOP),
        ("Halt", Intent.STOP),
        ("Hold.", Intent.STOP),
        ("Hold on", Intent.STOP),
        ("Salt.", Intent.STOP),
        ("Emergency spot.", Intent.STOP),
        ("Freeze", Intent.STOP),
        ("Pick up the red cube and stop.", Intent.STOP),
        ("Don't move!", Intent.STOP),
        ("Resume.", Intent.RESUME),
        ("Please continue.", Intent.RESUME),
        ("Go on.", Intent.RESUME),
        ("Cancel that.", Intent.CANCEL),
        ("Never mind.", Intent.CANCEL),
    ],
)
def test_short_commands_are_recognised(heard: str, intent: Intent) -> None:
    parsed = parse_command(heard)
    assert parsed is not None
    assert parsed.intent is intent
    assert parsed.instruction == ""


@pytest.mark.parametrize(
    "heard",
    [
        "",
        ".",
        "Thank you.",
        "The red cube.",
        "The bus stop is next to the old church.",
        "Don't stop.",
        "Don't pick up the red cube.",
        "I picked up the red cube yesterday.",
        "You never pick up the red cube.",
        "And you never pick up the red cube.",
        "Good you.",
        "Good you don't pick up the red cube",
        "Good, you picked up the red cube.",
        "She said that the blue ball is nice.",
        "Kick the ball.",
        "Push the red cube.",
        "Bake the red cube",
        "Take care of yourself.",
        "Pick it up.",
        "Please resume the talk about the red cube",
        "We will continue tomorrow.",
        "Pick up the red cube. Grab the blue ball. Take the green cylinder.",
    ],
)
def test_other_sentences_are_no_command(heard: str) -> None:
    assert parse_command(heard) is None


def test_near_misses_snap_only_beside_an_exact_word_in_their_place() -> None:
    assert snap_to_vocabulary(["read", "cube"]) == ["red", "cube"]
    assert snap_to_vocabulary(["grean", "ball"]) == ["green", "ball"]
    assert snap_to_vocabulary(["blue", "bell"]) == ["blue", "ball"]
    for unchanged in (["call"], ["read", "bowl"], ["black", "cube"], ["tall", "red", "cube"], ["red", "cone"]):
        assert snap_to_vocabulary(unchanged) == unchanged


def test_distance_counts_a_swap_of_neighbours_once() -> None:
    assert edit_distance("bleu", "blue") == 1
    assert edit_distance("sylinder", "cylinder") == 1
    assert edit_distance("", "cube") == 4
