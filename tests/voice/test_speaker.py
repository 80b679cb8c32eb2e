"""Answers are told through the real audio path, where the microphone hears them and the recogniser does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoglm_embodied.errors import AudioError, ConfigError
from autoglm_embodied.tools.bench.stop_channel import spotted_s
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.answer import Answer, Outcome
from autoglm_embodied.voice.listener import Listener
from autoglm_embodied.voice.microphone import BLOCK, Block, Microphone
from autoglm_embodied.voice.recogniser import Transcript
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray, read_wav, synthesise
from autoglm_embodied.voice.sound_server import SoundServer
from autoglm_embodied.voice.speaker import ECHO_NS, TONES_HZ, FeedbackSettings, Speaker, _tone
from autoglm_embodied.voice.stop_spotter import StopSpotter

LIMIT_S = 60.0
TRIES = 3  # what is captured late on a machine that stood still is taken for another voice
LOUD = 0.01
UNDERSTOOD = Answer(Outcome.UNDERSTOOD, "pick up the red cube")


class Recorder:
    """A recogniser that keeps what it is given and understands nothing."""

    language = "en"

    def __init__(self) -> None:
        self.given: list[SampleArray] = []

    def transcribe(self, samples: SampleArray) -> Transcript:
        self.given.append(samples)
        return Transcript()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    with SoundServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("speech", [False, True])
def test_an_answer_is_told_and_all_that_is_spoken_is_known_to_be_the_robots_own_voice(
    sound: SoundServer, speech: bool
) -> None:
    speaker = Speaker(FeedbackSettings(speech=speech))
    for _ in range(TRIES):
        loud = told(speaker)
        assert not speaker.error and loud
        if all(own is speech for own in loud) and len(loud) * BLOCK / RATE_HZ > (0.8 if speech else 0.12):
            break
    speaker.close()
    assert all(own is speech for own in loud)
    assert len(loud) * BLOCK / RATE_HZ > (0.8 if speech else 0.12)


def told(speaker: Speaker) -> list[bool]:
    """Of each loud block that is heard when an answer is told, whether it was known to be the robot's own."""
    loud: list[bool] = []
    with Microphone() as microphone:
        microphone.read(LIMIT_S)
        speaker.tell(UNDERSTOOD)
        deadline = time.monotonic() + LIMIT_S
        quiet = 0
        while quiet < 30 and time.monotonic() < deadline:
            block = microphone.read(LIMIT_S)
            is_loud = bool(np.abs(block.samples).max() > LOUD)
            quiet = 0 if is_loud or not loud else quiet + 1
            loud += [speaker.is_heard(block.receive_ns)] if is_loud else []
        wait_until(lambda: not speaker.is_heard(block.receive_ns + ECHO_NS))
    return loud


@pytest.mark.slow
def test_a_machine_without_a_loudspeaker_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "gone.conf"))
    speaker = Speaker(FeedbackSettings())
    speaker.tell(UNDERSTOOD)
    wait_until(lambda: bool(speaker.error))
    speaker.close()
    assert speaker.error.startswith("there is no loudspeaker")
    assert not speaker.is_heard(time.monotonic_ns() + ECHO_NS)


def test_while_the_robot_speaks_the_recogniser_hears_nothing_and_the_stop_channel_goes_on(tmp_path: Path) -> None:
    synthesise("stop", tmp_path / "a.wav")
    spoken = np.pad(read_wav(tmp_path / "a.wav"), (0, 32000))
    blocks = iter(np.array_split(spoken[: len(spoken) // BLOCK * BLOCK], len(spoken) // BLOCK))
    answers: list[Answer] = []
    recogniser = Recorder()

    class Tape:
        lost, now_ns = 0, 0

        def read(self) -> Block:
            self.now_ns += 32_000_000
            try:
                return Block(self.now_ns, next(blocks))
            except StopIteration:
                raise AudioError("the tape is over") from None

        def close(self) -> None:
            pass

    with Listener(Tape, lambda: recogniser, answers.append, hears_itself=lambda _: True) as listener:
        wait_until(lambda: listener.health.error is not None)
    assert [answer.command and answer.command.intent for answer in answers] == [Intent.STOP]
    assert not recogniser.given


@given(st.floats().filter(lambda value: not 0.01 <= value <= 1.0))
def test_a_volume_outside_its_range_is_refused(volume: float) -> None:
    with pytest.raises(ConfigError, match="feedback.volume must be from 0.01 to 1"):
        FeedbackSettings(volume=volume)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("volume", [0.02, 0.2, 1.0])
def test_no_tone_is_taken_for_a_stop_word(outcome: Outcome, volume: float) -> None:
    rng = np.random.default_rng(0)
    for lead in (16_000, 16_137, 16_800):  # where the tones begin within the spotter's steps
        tones = np.concatenate([_tone(hz) for hz in TONES_HZ[outcome]]) * volume
        sound = np.concatenate([np.zeros(lead), tones, np.zeros(RATE_HZ)])
        sound += 1e-4 * rng.standard_normal(len(sound))
        assert not list(spotted_s(sound.astype(np.float32), StopSpotter()))
