"""Utterances cut from made-up probabilities, on a clock that the blocks carry."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.segmenter import Segmenter, SegmenterSettings, Utterance, VoiceActivityDetector

BLOCK_NS = 32_000_000


def cut(probabilities: list[float], settings: SegmenterSettings | None = None) -> list[Utterance]:
    """Utterances of a stream whose block number i is received at (i + 1) * BLOCK_NS and holds the value i."""
    segmenter = Segmenter(settings)
    pushed = (
        segmenter.push(Block((i + 1) * BLOCK_NS, np.full(BLOCK, i, np.float32)), probability)
        for i, probability in enumerate(probabilities)
    )
    return [utterance for utterance in pushed if utterance is not None]


def test_an_utterance_spans_its_speech_with_pre_roll_and_end_silence() -> None:
    (utterance,) = cut([0.0] * 30 + [0.9] * 20 + [0.0] * 30)
    assert (utterance.start_ns, utterance.end_ns) == (31 * BLOCK_NS, 50 * BLOCK_NS)
    assert utterance.speech_s == pytest.approx(20 * 0.032)
    first, last = utterance.samples[0], utterance.samples[-1]
    assert first == 30 - 10  # 0.3 s of pre-roll in blocks of 32 ms, the block of the beginning counted
    assert last == 49 + 16  # 0.5 s of silence
    assert len(utterance.samples) == (last - first + 1) * BLOCK


def test_probability_between_the_thresholds_continues_speech_but_does_not_begin_it() -> None:
    assert cut([0.4] * 60) == []
    (utterance,) = cut([0.9] * 5 + [0.4] * 30 + [0.0] * 20)
    assert utterance.end_ns == 35 * BLOCK_NS


def test_a_pause_shorter_than_the_end_silence_stays_inside() -> None:
    (utterance,) = cut([0.9] * 10 + [0.0] * 14 + [0.9] * 10 + [0.0] * 20)
    assert (utterance.start_ns, utterance.end_ns) == (BLOCK_NS, 34 * BLOCK_NS)
    assert utterance.speech_s == pytest.approx(20 * 0.032)


def test_two_sentences_do_not_share_sound() -> None:
    first, second = cut([0.9] * 10 + [0.0] * 17 + [0.9] * 10 + [0.0] * 20)
    assert not set(first.samples) & set(second.samples)


def test_a_click_is_no_utterance() -> None:
    assert cut([0.0] * 10 + [0.9] * 3 + [0.0] * 30) == []


def test_endless_speech_is_cut_at_the_longest_length() -> None:
    utterances = cut([0.9] * 700)
    assert len(utterances) == 2
    assert all(7.9 < len(utterance.samples) / 16000 <= 8.1 for utterance in utterances)


def test_sound_kept_in_long_silence_is_bounded() -> None:
    (utterance,) = cut([0.0] * 10_000 + [0.9] * 10 + [0.0] * 20)
    assert len(utterance.samples) < 16000 * 1.5


@pytest.mark.parametrize("kind", ["silence", "offset", "clipped", "square"])
def test_sound_of_a_broken_microphone_is_no_speech(kind: str) -> None:
    noise = np.random.default_rng(0).normal(0.0, 30.0, 3 * 16000)
    square = np.sign(np.sin(2 * np.pi * 50 * np.arange(3 * 16000) / 16000))
    sound = {"silence": 0 * noise, "offset": 0 * noise + 0.7, "clipped": np.clip(noise, -1, 1), "square": square}[kind]
    activity = VoiceActivityDetector()
    blocks = sound[: len(sound) // BLOCK * BLOCK].astype(np.float32).reshape(-1, BLOCK)
    assert cut([activity.probability(block) for block in blocks] + [0.0] * 30) == []


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="stop_probability"):
        SegmenterSettings(start_probability=0.3, stop_probability=0.5)
    with pytest.raises(ConfigError, match="segmenter.end_silence_s must be from 0 to 10"):
        SegmenterSettings(end_silence_s=-1.0)
