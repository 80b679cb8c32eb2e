"""The listener on real speech: through a private sound server and PyAudio, and straight from recordings."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.errors import AudioError, SetupError
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.answer import Answer, Outcome, VoiceCommand
from autoglm_embodied.voice.listener import Listener
from autoglm_embodied.voice.microphone import BLOCK, Block, Microphone
from autoglm_embodied.voice.recogniser import Recogniser, RecogniserSettings, Transcript, WhisperRecogniser
from autoglm_embodied.voice.recording import SampleArray, read_wav, synthesise
from autoglm_embodied.voice.sound_server import SoundServer

HEARD_WITHIN_S = 60.0  # on a busy machine
TRIES = 3  # sound has gaps where the machine stands still while it is played


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what happens on another thread."""
    deadline = time.monotonic() + HEARD_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Heard:
    """The answers of a listener, in order."""

    def __init__(self) -> None:
        self.answers: queue.Queue[Answer] = queue.Queue()

    def command(self) -> VoiceCommand:
        """The next command that is understood."""
        while True:
            answer = self.answers.get(timeout=HEARD_WITHIN_S)
            if answer.command is not None and answer.outcome is Outcome.UNDERSTOOD:
                return answer.command


class Tape:
    """A sound source that plays recordings one after the other, then reports that it is over."""

    def __init__(self, paths: list[Path]) -> None:
        pause = np.random.default_rng(0).normal(0.0, 3e-4, 16000).astype(np.float32)
        sound = np.concatenate([part for path in paths for part in (read_wav(path), pause)])
        self._blocks = iter(np.array_split(sound[: len(sound) // BLOCK * BLOCK], len(sound) // BLOCK))
        self.now_ns = 0
        self.lost = 0
        self.over = threading.Event()
        self.closed = False

    def read(self) -> Block:
        self.now_ns += 32_000_000
        try:
            return Block(self.now_ns, next(self._blocks))
        except StopIteration:
            self.over.wait(HEARD_WITHIN_S)
            raise AudioError("the tape is over") from None

    def close(self) -> None:
        self.closed = True


@pytest.mark.slow
def test_a_spoken_sentence_is_heard_through_the_microphone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesise("pick up the red cube", tmp_path / "a.wav")
    heard = Heard()
    with SoundServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        with Listener(Microphone, WhisperRecogniser, heard.answers.put) as listener:
            wait_until(lambda: listener.health.state == "listening")
            for _ in range(TRIES):
                server.play(tmp_path / "a.wav")
                answer = heard.answers.get(timeout=HEARD_WITHIN_S)
                if answer.outcome is Outcome.UNDERSTOOD:
                    break
    command = answer.command
    assert command is not None
    assert (command.intent, command.instruction) == (Intent.GRASP, "pick up the red cube")
    assert 0.8e9 < command.speech_ns < 2.5e9
    assert 0.5e9 < command.latency_ns < HEARD_WITHIN_S * 1e9
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("voice-")]


@pytest.mark.slow
def test_commands_are_told_from_talk_in_the_order_spoken(tmp_path: Path) -> None:
    sentences = ["stop", "the weather is nice and sunny", "resume", "grab the purple ball", "never mind"]
    paths = [tmp_path / f"{index}.wav" for index in range(len(sentences))]
    for sentence, path in zip(sentences, paths, strict=True):
        synthesise(sentence, path)
    tape = Tape(paths)
    heard = Heard()
    with Listener(lambda: tape, WhisperRecogniser, heard.answers.put, clock=lambda: tape.now_ns) as listener:
        spotted = heard.command()
        commands = [heard.command() for _ in range(4)]
        tape.over.set()
    assert (spotted.intent, listener.health.stops) == (Intent.STOP, 1)
    assert [command.intent for command in commands] == [Intent.STOP, Intent.RESUME, Intent.GRASP, Intent.CANCEL]
    assert commands[2].instruction == "pick up the purple ball"
    assert (listener.health.utterances, listener.health.rejected) == (5, 1)
    assert tape.closed


def test_a_stop_is_passed_on_while_the_recogniser_loads_or_is_busy(tmp_path: Path) -> None:
    synthesise("stop", tmp_path / "a.wav")
    tape = Tape([tmp_path / "a.wav"])
    heard = Heard()

    def never_ready() -> WhisperRecogniser:
        tape.over.wait(HEARD_WITHIN_S)
        raise AudioError("it is over")

    with Listener(lambda: tape, never_ready, heard.answers.put, clock=lambda: tape.now_ns) as listener:
        command = heard.command()
        assert not listener.health.recogniser_ready
        tape.over.set()
    assert (command.intent, command.text) == (Intent.STOP, "stop")
    assert 0 < command.latency_ns < 3e8
    assert command.confidence > 0.5


def test_a_word_in_what_is_no_speech_to_the_activity_detector_is_no_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoglm_embodied.voice.listener.VoiceActivityDetector.probability", lambda *_: 0.0)
    synthesise("stop", tmp_path / "a.wav")
    tape = Tape([tmp_path / "a.wav"])
    tape.over.set()
    with Listener(lambda: tape, WhisperRecogniser, lambda _: None, clock=lambda: tape.now_ns) as listener:
        wait_until(lambda: listener.health.error is not None)
    assert listener.health.blocks > 30 and listener.health.stops == 0


def test_a_recogniser_that_does_not_load_ends_the_listener_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"other weights")
    load = partial(WhisperRecogniser, RecogniserSettings(weights=str(tmp_path), weights_sha256="0" * 64))

    class Silence:
        lost = 0

        def read(self) -> Block:
            return Block(0, np.zeros(BLOCK, np.float32))

        def close(self) -> None:
            pass

    with Listener(Silence, load, print) as listener:
        wait_until(lambda: listener.health.error is not None)
    health = listener.health
    assert health.state == "error"
    assert isinstance(health.error, SetupError)
    assert "not the expected model" in str(health.error)


class Counted:
    """A clock that goes on by 50 ms with each look at it."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += 50_000_000
        return self.now_ns


def silent_recogniser() -> Recogniser:
    class Deaf:
        language = "en"

        def transcribe(self, samples: SampleArray) -> Transcript:
            return Transcript()

    return Deaf()


def test_a_microphone_that_is_not_there_is_tried_again_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoglm_embodied.voice.listener.LOOK_S", 0.0)
    clock, tried_ns = Counted(), []

    def absent() -> Microphone:
        tried_ns.append(clock.now_ns)
        raise AudioError("there is no microphone; plug one in")

    with Listener(absent, silent_recogniser, print, clock=clock, waits_for_microphone=True) as listener:
        wait_until(lambda: len(tried_ns) > 8)
        health = listener.health
    waits_s = np.diff(tried_ns[:8]) / 1e9
    np.testing.assert_allclose(waits_s, [1, 2, 4, 8, 16, 30, 30], atol=0.3)
    assert (health.state, health.microphone, health.error) == (
        "no microphone",
        "there is no microphone; plug one in",
        None,
    )
    assert health.microphone_failures >= 8


def test_a_microphone_that_comes_late_and_one_that_was_lost_hear_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoglm_embodied.voice.listener.LOOK_S", 0.0)
    synthesise("stop", tmp_path / "a.wav")
    first, second = Tape([tmp_path / "a.wav"]), Tape([tmp_path / "a.wav"])
    first.lost, second.lost = 3, 2
    first.over.set()  # then it is unplugged
    found = iter([None, first, None, second])

    def plugged() -> Tape:
        tape = next(found)
        if tape is None:
            raise AudioError("there is no microphone; plug one in")
        return tape

    heard = Heard()
    listening = Listener(plugged, silent_recogniser, heard.answers.put, clock=Counted(), waits_for_microphone=True)
    with listening as listener:
        commands = [heard.command() for _ in range(2)]
        wait_until(lambda: listener.health.state == "listening" and listener.health.stops == 2)
        health = listener.health
        second.over.set()
    assert [command.intent for command in commands] == [Intent.STOP, Intent.STOP]
    assert (health.microphone, health.microphone_failures, health.lost_blocks) == ("", 3, 5)
    assert first.closed and second.closed


def test_a_microphone_that_is_not_there_ends_a_listener_that_does_not_wait_for_one() -> None:
    def absent() -> Microphone:
        raise AudioError("there is no microphone; plug one in")

    with Listener(absent, silent_recogniser, print) as listener:
        wait_until(lambda: listener.health.error is not None)
    assert isinstance(listener.health.error, AudioError)
