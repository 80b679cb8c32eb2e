"""Text becomes a command only where speech was heard, long enough and surely enough."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.types import Intent
from autoglm_embodied.voice.listener import CommandSettings, VoiceCommand, accept_command
from autoglm_embodied.voice.recogniser import PROMPT, Transcript
from autoglm_embodied.voice.segmenter import Utterance

SPOKEN = Utterance(np.zeros(16000, np.float32), start_ns=10**9, end_ns=2 * 10**9, speech_s=0.9)


def answer(
    text: str, confidence: float = 0.9, no_speech: float = 0.0, speech_s: float = 0.9, now_ns: int = 2_400_000_000
) -> VoiceCommand | None:
    utterance = Utterance(SPOKEN.samples, SPOKEN.start_ns, SPOKEN.end_ns, speech_s)
    return accept_command(utterance, Transcript(text, confidence, no_speech), "en", now_ns, CommandSettings())


def test_a_sure_sentence_becomes_a_command_with_its_times() -> None:
    command = answer("Grab the blue box.")
    assert command == VoiceCommand(
        intent=Intent.GRASP,
        text="Grab the blue box.",
        instruction="pick up the blue cube",
        language="en",
        confidence=0.9,
        end_ns=2 * 10**9,
        speech_ns=10**9,
        latency_ns=400_000_000,
        slots={"colour": "blue", "noun": "box"},
    )


@pytest.mark.parametrize("doubt", [{"confidence": 0.3}, {"no_speech": 0.8}, {"speech_s": 0.3}])
def test_a_doubtful_grasp_is_no_command(doubt: dict[str, float]) -> None:
    assert answer("Pick up the red cube.", **doubt) is None


def test_a_stop_needs_less_certainty_than_a_motion_and_a_resume_needs_more() -> None:
    assert answer("Stop.", confidence=0.3, speech_s=0.2) is not None
    assert answer("Pick up the ball.", confidence=0.3) is None
    assert answer("Pick up the ball.", confidence=0.72) is not None
    assert answer("Resume.", confidence=0.72) is None
    assert answer("Resume.", confidence=0.9) is not None


def test_a_motion_understood_too_late_is_no_command_but_a_stop_is() -> None:
    assert answer("Pick up the red cube.", now_ns=13 * 10**9) is None
    assert answer("Stop.", now_ns=13 * 10**9) is not None


def test_an_echo_of_the_prompt_is_no_command() -> None:
    assert answer(PROMPT.removesuffix(" Stop. Resume. Cancel.")) is None
    assert answer(PROMPT, speech_s=0.5) is None
