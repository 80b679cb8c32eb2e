"""Every utterance is answered; text becomes a command only where speech was heard, long enough and surely enough."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.types import MOVES, Intent
from autoglm_embodied.voice.answer import (
    Answer,
    CommandSettings,
    Dialogue,
    Outcome,
    VoiceCommand,
    answer_utterance,
)
from autoglm_embodied.voice.interpretation import interpret
from autoglm_embodied.voice.recogniser import Hypothesis, Transcript
from autoglm_embodied.voice.segmenter import Utterance

SECOND = 10**9
SURE = -0.3  # log probability of a text
TOKENS = 10


def heard(*texts: tuple[str, float], no_speech: float = 0.0) -> Transcript:
    hypotheses = [Hypothesis(text, score, TOKENS) for text, score in texts]
    return Transcript(tuple(sorted(hypotheses, key=lambda each: -each.log_probability)), no_speech)


def utterance(speech_s: float = 0.9, at_s: int = 1) -> Utterance:
    return Utterance(np.zeros(16000, np.float32), at_s * SECOND, (at_s + 1) * SECOND, speech_s)


def answer(
    *texts: tuple[str, float], no_speech: float = 0.0, speech_s: float = 0.9, now_ns: int = 2_400_000_000
) -> Answer:
    return answer_utterance(utterance(speech_s), heard(*texts, no_speech=no_speech), "en", now_ns, CommandSettings())


def test_a_sure_sentence_becomes_a_command_with_its_times() -> None:
    found = answer(("grab the blue box", SURE))
    assert found.outcome is Outcome.UNDERSTOOD
    assert found.command is not None
    assert found.command == VoiceCommand(
        intent=Intent.GRASP,
        text="grab the blue box",
        instruction="pick up the blue cube",
        language="en",
        confidence=found.command.confidence,
        end_ns=2 * SECOND,
        speech_ns=SECOND,
        latency_ns=400_000_000,
        slots={"colour": "blue", "noun": "box"},
    )
    assert 0.9 < found.command.confidence < 1.0


def test_two_commands_that_sound_alike_are_asked_about_or_refused_whichever_is_first() -> None:
    for first, second in (("orange", "yellow"), ("yellow", "orange")):
        found = answer((f"pick up the {first} ball", -0.9), (f"pick up the {second} ball", -1.1))
        assert found.outcome is not Outcome.UNDERSTOOD


def test_ways_of_saying_one_thing_count_together() -> None:
    other = ("pick up the yellow ball", -1.0)
    ways = [(f"{verb} the orange ball", -1.2) for verb in ("pick up", "grab", "take", "get")]
    found = interpret(heard(other, *ways), "en")
    assert found is not None
    assert found.command.slots["colour"] == "orange"
    assert found.features[1] == pytest.approx(math.log(4) - 0.2)


def test_a_command_is_found_below_a_text_that_is_none() -> None:
    found = interpret(heard(("close the river", -1.0), ("close the gripper", -1.5)), "en")
    assert found is not None
    assert (found.command.intent, found.text) == (Intent.CLOSE, "close the gripper")


def test_what_could_as_well_be_no_command_is_less_probable() -> None:
    alone, beside = (
        interpret(heard(("open the gripper", -1.0), *others), "en") for others in ([], [("hope in the river", -1.0)])
    )
    assert alone is not None
    assert beside is not None
    assert beside.probability < alone.probability


@pytest.mark.parametrize("doubt", [{"no_speech": 0.8}, {"speech_s": 0.3}])
def test_a_grasp_without_enough_speech_is_refused_with_a_reason(doubt: dict[str, float]) -> None:
    found = answer(("pick up the red cube", SURE), **doubt)  # type: ignore[arg-type]
    assert found.outcome is Outcome.REFUSED
    assert found.sentence.endswith("say it again")


def test_a_stop_needs_less_certainty_than_a_motion_and_a_resume_needs_more() -> None:
    def carried_out(text: str, other: float) -> bool:
        return answer((text, -20.0), ("hello", other)).outcome is Outcome.UNDERSTOOD

    others = np.linspace(-28.0, -10.0, 73)  # of a text that is no command
    doubt = {text: sum(carried_out(text, other) for other in others) for text in ("stop", "home", "resume")}
    assert len(others) > doubt["stop"] > doubt["home"] > 0
    assert doubt["home"] >= doubt["resume"] > 0


def test_a_motion_understood_too_late_is_refused_but_a_stop_is_not() -> None:
    late = answer(("pick up the red cube", SURE), now_ns=13 * SECOND)
    assert (late.outcome, late.sentence) == (Outcome.REFUSED, "understood only after 11 s; say it again")
    assert answer(("stop", SURE), now_ns=13 * SECOND).outcome is Outcome.UNDERSTOOD


ASKED = (("pick up the orange ball", -0.9), ("pick up the yellow ball", -1.5))


@pytest.mark.parametrize(
    ("reply", "at_s", "outcome", "intent"),
    [
        ("yes", 4, Outcome.UNDERSTOOD, Intent.GRASP),
        ("no", 4, Outcome.REFUSED, None),
        ("yes", 14, Outcome.UNDERSTOOD, Intent.YES),
        ("stop", 4, Outcome.UNDERSTOOD, Intent.STOP),
    ],
)
def test_what_was_asked_is_carried_out_after_a_yes_that_comes_soon(
    reply: str, at_s: int, outcome: Outcome, intent: Intent | None
) -> None:
    dialogue = Dialogue("en", CommandSettings())
    asked = dialogue.answer(utterance(), heard(*ASKED), 2 * SECOND)
    assert asked.outcome is Outcome.ASKED
    assert asked.sentence == "did you mean: pick up the orange ball? say yes, or say it again"
    said = utterance(at_s=at_s)
    found = dialogue.answer(said, heard((reply, SURE)), said.end_ns + 3)
    assert (found.outcome, found.command and found.command.intent) == (outcome, intent)
    if intent is Intent.GRASP:
        assert found.command is not None
        assert (found.command.end_ns, found.command.latency_ns) == (said.end_ns, 3)
        again = dialogue.answer(said, heard((reply, SURE)), said.end_ns)
        assert again.command is not None
        assert again.command.intent is Intent.YES


def test_what_was_asked_is_still_asked_after_it_was_said_again() -> None:
    dialogue = Dialogue("en", CommandSettings())
    assert dialogue.answer(utterance(), heard(*ASKED), 2 * SECOND).outcome is Outcome.ASKED
    for at_s, reply, intent in ((8, "pardon", Intent.REPEAT), (15, "yes", Intent.GRASP), (17, "yes", Intent.YES)):
        said = utterance(at_s=at_s)
        found = dialogue.answer(said, heard((reply, SURE)), said.end_ns)
        assert found.command is not None and found.command.intent is intent


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.text(max_size=60), st.floats(-60, 0), st.integers(1, 40)), max_size=6),
    st.floats(0, 1),
    st.sampled_from(("en", "zh")),
)
def test_every_utterance_has_an_answer_of_one_printable_line(
    texts: list[tuple[str, float, int]], no_speech: float, language: str
) -> None:
    transcript = Transcript(tuple(Hypothesis(*each) for each in texts), no_speech)
    found = answer_utterance(utterance(), transcript, language, 2 * SECOND, CommandSettings())
    assert found.sentence.isprintable()
    assert len(found.sentence) < 1200
    assert found.outcome is Outcome.REFUSED or found.command is not None


@pytest.mark.parametrize(
    "text",
    [
        "pick up " * 2000,
        "\x00\x1b[31mpick\x07 up the red cube\x9b",
        "pick up القطعة red 立方体",
        "\u202epick up the cube",
    ],
)
def test_long_controlling_or_mixed_texts_move_nothing(text: str) -> None:
    found = answer((text, -1.0))
    assert found.outcome is not Outcome.UNDERSTOOD or found.command is None or "\x1b" not in found.sentence
    assert found.sentence.isprintable()


NEGATED = "never {}|don't {}|do not {}|you must not {}|please don't ever {}|make sure you don't {}|be careful not to {}"
NEGATED += "|you are not allowed to {}|under no circumstances {}|I don't want you to {}|refuse to {}|don {}|don t {}"
ACTIONS = "drop it|let go|release the cup|open the gripper|close your hand|go home|move left|turn right|put it down"
ACTIONS += "|pick up the red cube|continue|give me the ball|give it to me|do it again|faster"


@settings(max_examples=60)
@given(st.sampled_from(NEGATED.split("|")), st.sampled_from(ACTIONS.split("|")), st.floats(-8.0, -0.1))
def test_what_may_have_been_forbidden_is_never_carried_out_and_what_likely_was_is_not_asked(
    negated: str, action: str, score: float
) -> None:
    forbidden = negated.format(action)
    parsed = parse_command(forbidden)
    assert parsed is None or parsed.intent not in MOVES
    found = answer((action, -0.05), (forbidden, score))
    assert found.command is None or found.command.intent not in MOVES or found.outcome is not Outcome.UNDERSTOOD
    found = answer((action, score - 0.1), (forbidden, score))
    assert found.outcome is Outcome.REFUSED or action == "faster"


def test_a_yes_that_may_have_been_a_no_carries_out_nothing() -> None:
    for score in (-4.0, 2 * SURE):
        dialogue = Dialogue("en", CommandSettings())
        assert dialogue.answer(utterance(), heard(*ASKED), 2 * SECOND).outcome is Outcome.ASKED
        said = utterance(at_s=4)
        found = dialogue.answer(said, heard(("yes, do it", SURE), ("don't do it", score)), said.end_ns)
        assert (found.outcome, found.command) == (Outcome.REFUSED, None)


def test_words_that_are_written_for_a_negation_make_a_command_one_to_ask_about() -> None:
    for words in ("and then release the cup", "another drop it", "And, let go", "going to open the gripper"):
        found = answer((words, SURE))
        assert found.outcome is not Outcome.UNDERSTOOD, words
    assert answer(("release the cup", SURE)).outcome is Outcome.UNDERSTOOD


def test_what_is_written_for_a_polite_opening_is_dropped_but_never_a_negation_after_it() -> None:
    for words in ("And you release the cup", "and you, release the cup", "will you please release the cup"):
        assert answer((words, SURE)).outcome is Outcome.UNDERSTOOD, words
    for words in ("and you never release the cup", "and you don't release the cup", "good you should not let go"):
        assert answer((words, SURE)).outcome is Outcome.REFUSED, words
    assert answer(("and you release the cup", SURE), ("and never release the cup", -8.0)).outcome is Outcome.ASKED


def test_how_far_is_said_in_words() -> None:
    assert answer(("open the gripper a bit", SURE)).sentence == "open a little"
    assert answer(("close it half way", SURE)).sentence == "close halfway"


def test_a_stop_and_a_cancel_are_heard_whatever_else_may_have_been_said() -> None:
    for said in ("stop", "cancel"):
        assert answer((said, SURE), ("don't move left", SURE - 0.5)).outcome is Outcome.UNDERSTOOD
