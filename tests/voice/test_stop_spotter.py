"""The stop channel on synthetic speech of an engine that it was not trained on, and on what is no speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.recogniser import WhisperRecogniser
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray, read_wav, synthesise
from autoglm_embodied.voice.stop_features import OVERLAP, SpeechEncoder
from autoglm_embodied.voice.stop_spotter import (
    ENCODED_EVERY,
    NO_HEAD,
    SHIPPED,
    SHIPPED_HEAD,
    SHIPPED_HEAD_SHA256,
    SHIPPED_SHA256,
    STEP,
    StopSettings,
    StopSpotter,
    _EncoderNetwork,
    _LogMelNetwork,
)
from autoglm_embodied.voice.weights import SPEECH_MODELS, TINY_EN

SECOND = 1_000_000_000
COMMANDS = ("open the gripper a little", "move left five centimetres", "put it on the table", "go home")
WITHIN = "please stop the arm at once"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SampleArray]:
    """What flite says, by text: each with a pause before and after it."""
    folder = tmp_path_factory.mktemp("speech")
    texts = (
        "stop",
        WITHIN,
        "please put the red cube on top of the other box",
        "the weather will be fine all day in the north",
        *COMMANDS,
    )
    said = {}
    for text in texts:
        synthesise(text, folder / "said.wav", "rms")
        said[text] = read_wav(folder / "said.wav")
    return said


def spotted_ns(sound: SampleArray, sizes: Sequence[int] = (BLOCK,), settings: StopSettings | None = None) -> list[int]:
    """When the word ended in a sound that begins at 0 ns and comes in blocks of these sizes, over and over."""
    spotter, at, found = StopSpotter(settings), 0, []
    while at < len(sound):
        for size in sizes:
            block = sound[at : at + size]
            at += len(block)
            word = spotter.push(Block(at * SECOND // RATE_HZ, block))
            found += [word.end_ns] if word else []
    return found


def pause(seconds: float) -> SampleArray:
    return np.random.default_rng(0).normal(0.0, 3e-4, round(seconds * RATE_HZ)).astype(np.float32)


def test_each_word_is_spotted_once_soon_after_its_end(speech: dict[str, SampleArray]) -> None:
    said = speech["stop"]
    found = spotted_ns(np.concatenate((said, pause(0.7), said, pause(0.7))))
    assert len(found) == 2
    end_ns = (len(said) / RATE_HZ - 0.3) * SECOND
    assert abs(found[0] - end_ns) < 0.25 * SECOND


@pytest.fixture(scope="module")
def once(speech: dict[str, SampleArray]) -> tuple[SampleArray, list[int]]:
    """A sound with the word, and when it is spotted in it as a whole."""
    sound = np.concatenate((speech["stop"], pause(0.5)))
    return sound, spotted_ns(sound, [len(sound)])


@settings(max_examples=5)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=6).filter(any))
def test_blocks_of_any_size_give_the_same_words(once: tuple[SampleArray, list[int]], sizes: list[int]) -> None:
    sound, words = once
    assert len(words) == 1
    assert np.allclose(spotted_ns(sound, sizes), words, atol=2)  # ns, of rounding


def test_the_word_is_spotted_over_a_quieter_talker_and_in_noise(speech: dict[str, SampleArray]) -> None:
    talk = speech["the weather will be fine all day in the north"]
    said = np.zeros_like(talk)
    said[RATE_HZ // 2 : RATE_HZ // 2 + len(speech["stop"])] = speech["stop"]
    assert len(spotted_ns(said + 0.2 * talk)) == 1
    noisy = said + np.random.default_rng(1).normal(0.0, 0.02, len(said)).astype(np.float32)
    assert len(spotted_ns(noisy)) == 1


def test_the_word_counts_only_where_there_was_speech_within_half_a_second(speech: dict[str, SampleArray]) -> None:
    sound = np.concatenate((pause(1.0), speech["stop"], pause(0.3)))
    blocks = [Block(0, samples) for samples in np.split(sound, range(BLOCK, len(sound), BLOCK))]

    def spotted_at(probabilities: np.ndarray) -> list[int]:
        spotter = StopSpotter(StopSettings(least_speech=0.8))
        return [at for at, block in enumerate(blocks) if spotter.push(block, float(probabilities[at]))]

    (first,) = spotted_at(np.ones(len(blocks)))
    one = np.eye(len(blocks))
    assert spotted_at(0.8 * one[first])[0] == spotted_at(0.8 * one[first - 15])[0] == first
    assert not spotted_at(0.79 * one[first]) and first not in spotted_at(0.8 * one[first - 16])


def test_the_word_is_spotted_in_the_middle_of_a_sentence(speech: dict[str, SampleArray]) -> None:
    assert len(spotted_ns(np.concatenate((pause(0.5), speech[WITHIN], pause(0.7))))) == 1


def test_the_networks_judge_together_by_their_highest_logits_within_160_ms(speech: dict[str, SampleArray]) -> None:
    sound = np.concatenate((pause(0.5), speech[WITHIN]))
    length = ENCODED_EVERY * STEP
    padded = np.pad(sound[: len(sound) // length * length], (OVERLAP, 0))
    log_mel, encoder = _LogMelNetwork(SHIPPED, SHIPPED_SHA256), _EncoderNetwork(SHIPPED_HEAD, SHIPPED_HEAD_SHA256)
    logits = [log_mel.step(padded[at : at + OVERLAP + STEP]) for at in range(0, len(padded) - OVERLAP, STEP)]
    ends = range(length, len(padded) - OVERLAP + 1, length)
    encoded = []
    for end in ends:
        encoder.push(padded[end + OVERLAP - length : end + OVERLAP])
        encoded.append(encoder.logit())
    together = [
        np.clip(max(encoded[max(0, n - 2) : n]), -12, 12)
        + 0.5 * np.clip(max(logits[max(0, 4 * n - 8) : 4 * n]), -12, 12)
        for n in range(1, len(encoded) + 1)
    ]
    spotter = StopSpotter()
    spotter._speech.append(1.0)
    judged = [spotter._judge(padded[end - length : end + OVERLAP]) for end in ends]
    wanted = 1.0 / (1.0 + np.exp(-np.array(together)))
    assert max(wanted) > 0.5 > min(wanted) and np.allclose(judged, wanted, atol=1e-6)


def test_the_encoder_rests_where_there_is_no_speech(
    speech: dict[str, SampleArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[None] = []
    plain = _EncoderNetwork.logit
    monkeypatch.setattr(_EncoderNetwork, "logit", lambda network: encoded.append(None) or plain(network))
    spotter = StopSpotter()
    for block in np.split(speech["stop"], range(BLOCK, len(speech["stop"]), BLOCK)):
        spotter.push(Block(0, block), 0.1)
    assert not encoded
    spotter.push(Block(0, speech["stop"]), 0.9)
    assert encoded


def test_it_keeps_no_more_of_a_long_sound_than_of_a_short_one(speech: dict[str, SampleArray]) -> None:
    spotter = StopSpotter()

    def kept(seconds: float) -> list[int]:
        for block in np.split(pause(seconds), range(BLOCK, round(seconds * RATE_HZ), BLOCK)):
            spotter.push(Block(0, block))
        held = (spotter._logits, spotter._encoder_logits, spotter._speech)
        return [*map(len, held), len(spotter._sound) // (ENCODED_EVERY * STEP + OVERLAP)]

    assert kept(1.0) == kept(4.0)


def test_without_the_speech_encoder_the_network_on_log_mel_frames_judges_alone(
    speech: dict[str, SampleArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, settings = np.concatenate((speech["stop"], pause(0.7))), StopSettings(head=NO_HEAD)
    assert not StopSettings().lacks_encoder
    assert spotted_ns(sound) != spotted_ns(sound, settings=settings)
    packages = replace(SPEECH_MODELS[TINY_EN], packages=("no-such-weights==1.0.0",))
    monkeypatch.setitem(SPEECH_MODELS, TINY_EN, packages)
    assert StopSettings().lacks_encoder and not settings.lacks_encoder
    assert spotted_ns(sound) == spotted_ns(sound, settings=settings)
    assert len(spotted_ns(sound)) == 1


def test_the_encoder_is_a_copy_of_its_own_so_that_a_busy_recogniser_does_not_hold_it_up() -> None:
    assert SpeechEncoder()._whisper.model is not WhisperRecogniser()._model.model


def test_other_speech_is_not_the_word(speech: dict[str, SampleArray]) -> None:
    for text, sound in speech.items():  # commands among it
        assert "stop" in text or spotted_ns(np.concatenate((sound, pause(0.5)))) == []


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(2 * RATE_HZ),
        np.ones(2 * RATE_HZ),
        np.full(2 * RATE_HZ, np.nan),
        np.tile([np.inf, -np.inf, 1e30, 0.5], RATE_HZ // 2),
        np.sign(np.sin(np.arange(2 * RATE_HZ) * 0.05)),
        np.random.default_rng(2).normal(0.0, 5.0, 2 * RATE_HZ),
    ],
    ids=["silence", "DC", "NaN", "beyond all range", "clipped tone", "clipped noise"],
)
def test_what_is_no_speech_neither_stops_nor_breaks_it(sound: np.ndarray, speech: dict[str, SampleArray]) -> None:
    assert spotted_ns(sound.astype(np.float32)) == []
    assert len(spotted_ns(np.concatenate((sound.astype(np.float32), speech["stop"], pause(0.5))))) == 1


def test_a_network_that_is_not_the_expected_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stop.onnx").write_bytes(b"other weights")
    with pytest.raises(SetupError, match="not the expected model.*stop.weights_sha256"):
        StopSpotter(StopSettings(weights=str(tmp_path / "stop.onnx")))
    with pytest.raises(SetupError, match="is no network of the stop channel"):
        StopSpotter(StopSettings(weights=str(tmp_path / "stop.onnx"), weights_sha256=""))
    with pytest.raises(SetupError, match="is no network of the stop channel: it takes"):
        StopSpotter(StopSettings(weights=str(SHIPPED_HEAD), weights_sha256=""))
    with pytest.raises(SetupError, match="not the expected model.*stop.head_sha256"):
        StopSpotter(StopSettings(head=str(SHIPPED)))
    with pytest.raises(SetupError, match="is no network on the speech encoder: it takes"):
        StopSpotter(StopSettings(head=str(SHIPPED), head_sha256=""))
    with pytest.raises(ConfigError, match="stop.least_probability must be from"):
        StopSettings(least_probability=float("nan"))
