"""Commands that are said of the one before: again, a correction; and a hand over, which is a place."""

from __future__ import annotations

import pytest

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.policy.goal import TO_PERSON, place_slots
from autoglm_embodied.policy.spoken import SpokenCommands
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.answer import VoiceCommand

S = 1_000_000_000


def said(text: str, at_s: int = 1) -> VoiceCommand:
    parsed = parse_command(text)
    assert parsed is not None
    return VoiceCommand(parsed.intent, text, parsed.instruction, "en", 0.9, at_s * S, S, S, parsed.slots)


def carried_out(*texts: str, apart_s: int = 1) -> list[str | None]:
    commands = SpokenCommands()
    done = [commands.carried_out(said(text, at * apart_s)) for at, text in enumerate(texts)]
    return [command and command.meaning for command in done]


def test_again_is_the_last_command_that_moves_something() -> None:
    assert carried_out("move left five centimetres", "again", "once more") == ["jog left 5 cm"] * 3
    assert carried_out("pick up the red cube", "again") == ["pick up the red cube"] * 2
    assert carried_out("move up", "resume", "again")[2] == "jog up"


@pytest.mark.parametrize("ending", ["stop", "cancel"])
def test_after_a_stop_or_with_nothing_said_before_again_moves_nothing(ending: str) -> None:
    assert carried_out("again") == [None]
    assert carried_out("move left", ending, "again")[2] is None
    assert carried_out("pick up the red cube", ending, "no, the blue one")[2] is None


def test_what_was_said_long_ago_is_not_repeated() -> None:
    assert carried_out("move left", "again", apart_s=61)[1] is None
    assert carried_out("pick up the red cube", "no, the blue one", apart_s=61)[1] is None


def test_a_correction_is_a_grasp_of_the_other_object_and_of_nothing_else() -> None:
    done = carried_out("pick up the small red cube", "no, the blue one", "no, the yellow ball")
    assert done[1:] == ["pick up the blue one", "pick up the yellow ball"]
    assert carried_out("move left", "no, the blue one")[1] is None


def test_what_no_node_does_is_not_carried_out() -> None:
    assert carried_out("go faster") == [None]


@pytest.mark.parametrize("text", ["hand it to me", "give it to me", "give it here"])
def test_a_hand_over_is_a_place_by_voice_and_by_action(text: str) -> None:
    command = SpokenCommands().carried_out(said(text))
    assert command is not None and (command.intent, command.slots) == (Intent.PLACE, TO_PERSON) == (
        Intent.PLACE,
        place_slots(text),
    )
