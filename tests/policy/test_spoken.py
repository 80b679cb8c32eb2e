"""Commands that are said of the one before: again, a correction; and a hand over, which is a place."""

from __future__ import annotations

import pytest

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.policy.goal import TO_PERSON, place_slots
from autoglm_embodied.policy.spoken import Reply, SpokenCommands
from autoglm_embodied.types import MOVES, Intent
from autoglm_embodied.voice.answer import Answer, Outcome, VoiceCommand, understood

S = 1_000_000_000


def said(text: str, at_s: int = 1) -> VoiceCommand:
    parsed = parse_command(text)
    assert parsed is not None
    return VoiceCommand(parsed.intent, text, parsed.instruction, "en", 0.9, at_s * S, S, S, parsed.slots)


def replies(*texts: str, apart_s: int = 1, commands: SpokenCommands | None = None) -> list[Reply]:
    commands = commands or SpokenCommands()
    return [commands.reply(understood(said(text, at * apart_s))) for at, text in enumerate(texts)]


def carried_out(*texts: str, apart_s: int = 1) -> list[str | None]:
    done = [reply.command for reply in replies(*texts, apart_s=apart_s)]
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


@pytest.mark.parametrize("no", ["no", "not that one", "the other one", "wrong one"])
def test_what_is_not_meant_is_given_up_and_may_be_corrected_but_not_repeated(no: str) -> None:
    (_, rejected, again, corrected) = replies("pick up the red cube", no, "again", "no, the blue one")
    assert rejected.command is not None and (rejected.command.intent, rejected.command.slots) == (Intent.CANCEL, {})
    assert "given up" in rejected.answer.sentence
    assert (again.command, again.answer.outcome) == (None, Outcome.REFUSED)
    assert corrected.command is not None and corrected.command.meaning == "pick up the blue one"
    assert carried_out(no) == ["cancel"]  # whoever asked for what runs
    assert carried_out("move left", no, "no, the blue one")[2] is None
    assert carried_out("pick up the red cube", no, "pick up the ball", "again")[3] == "pick up the ball"


def test_slower_and_faster_bound_the_speed_of_the_next_steps_and_never_exceed_what_is_set() -> None:
    commands = SpokenCommands()
    (faster,) = replies("faster", commands=commands)
    assert (faster.command, faster.answer.outcome) == (None, Outcome.REFUSED)
    for pace in ("0.7", "0.5", "0.35", "0.25"):
        slower, step = replies("slower", "move left", commands=commands)
        assert (slower.command, slower.answer.outcome) == (None, Outcome.UNDERSTOOD)
        assert step.command is not None and step.command.slots == {"direction": "left", "pace": pace}
    assert replies("slower", commands=commands)[0].answer.outcome is Outcome.REFUSED
    again, grasp, home = replies("again", "pick up the red cube", "go home", commands=commands)
    assert again.command is not None and again.command.slots["pace"] == "0.25"
    assert grasp.command is not None and "pace" not in grasp.command.slots
    assert home.command is not None and home.command.slots == {"pace": "0.25"}
    *_, step = replies(*["faster"] * 9, "move up", commands=commands)
    assert step.command is not None and step.command.slots == {"direction": "up"}


def test_what_was_told_is_told_again_and_nothing_is_done_again() -> None:
    first, nothing = SpokenCommands(), replies("what did you say")
    assert (nothing[0].command, nothing[0].answer.outcome) == (None, Outcome.REFUSED)
    asked = Answer(Outcome.ASKED, "did you mean: pick up the red cube?", said("pick up the red cube"))
    assert first.reply(asked) == Reply(asked)
    for _ in range(2):
        repeated = first.reply(understood(said("say that again")))
        assert repeated.command is None
        assert (repeated.answer.outcome, repeated.answer.sentence) == (Outcome.ASKED, asked.sentence)
    _, repeated = replies("open the gripper", "pardon", commands=first)
    assert repeated.command is None
    assert (repeated.answer.outcome, repeated.answer.sentence) == (Outcome.UNDERSTOOD, "open")


def test_a_question_is_answered_with_what_the_robot_does_and_moves_nothing() -> None:
    (silent,) = replies("what are you holding")
    assert (silent.command, silent.answer.outcome) == (None, Outcome.REFUSED)
    (told,) = replies("what are you holding", commands=SpokenCommands(lambda: "nothing to do"))
    assert (told.command, told.answer.outcome, told.answer.sentence) == (None, Outcome.UNDERSTOOD, "nothing to do")


def test_a_yes_to_nothing_is_refused() -> None:
    (reply,) = replies("yes")
    assert (reply.command, reply.answer.outcome) == (None, Outcome.REFUSED)


@pytest.mark.parametrize("intent", Intent)
def test_what_can_set_the_robot_in_motion_is_what_is_said_to_and_nothing_else(intent: Intent) -> None:
    """After a grasp, of which some are said."""
    commands = SpokenCommands(lambda: "nothing to do")
    commands.reply(understood(said("pick up the red cube")))
    done = commands.reply(understood(VoiceCommand(intent, "", "", "en", 0.9, 2 * S, S, S))).command
    assert (done is not None and done.intent not in (Intent.STOP, Intent.CANCEL)) == (intent in MOVES)


@pytest.mark.parametrize("text", ["hand it to me", "give it to me", "give it here"])
def test_a_hand_over_is_a_place_by_voice_and_by_action(text: str) -> None:
    (reply,) = replies(text)
    command = reply.command
    assert command is not None and (command.intent, command.slots) == (Intent.PLACE, TO_PERSON) == (
        Intent.PLACE,
        place_slots(text),
    )
