"""The speaker: tells the operator what became of an utterance, by a tone or by voice, on a thread of its own."""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyaudio

from autoglm_embodied.errors import AutoGLMError
from autoglm_embodied.growing_wait import GrowingWait
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.voice.answer import Answer, Outcome
from autoglm_embodied.voice.microphone import PORTAUDIO, require_alsa_config, silence_sound_libraries
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray, read_wav, synthesise, to_pcm16
from autoglm_embodied.voice.stop_spotter import WORD

# Low ones: the stop channel hears the robot, too, and takes two rising tones of 660 and 880 Hz for a stop word.
TONES_HZ = {Outcome.UNDERSTOOD: (330, 440), Outcome.ASKED: (440, 440, 440), Outcome.REFUSED: (440, 330)}
TONE_S, FADE_S = 0.09, 0.01
ECHO_NS = 300_000_000  # after the sound, in which it may still be captured
QUEUED_ANSWERS = 2
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 30.0  # before a loudspeaker is tried again


@dataclass(frozen=True)
class FeedbackSettings:
    """How the operator is told what became of an utterance."""

    tones: bool = setting(True, "a tone for each answer, where there is a loudspeaker")
    speech: bool = setting(False, "read the answers out, where flite or espeak-ng is installed")
    volume: float = setting(0.2, "of the tones", least=0.01, most=1.0)

    def __post_init__(self) -> None:
        check_ranges(self, "feedback")


class Speaker:
    """Tells answers until it is closed; the oldest are left out where they come faster than they can be told.

    Args:
        settings: by tone, by voice, or not at all.
        clock: monotonic time [ns], the one that stamps the microphone's blocks.
    """

    def __init__(self, settings: FeedbackSettings, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.error = ""  # why nothing is to be heard, until it is tried again
        self._wait = GrowingWait(LEAST_WAIT_S, MOST_WAIT_S)
        self._settings, self._clock = settings, clock
        self._answers: queue.Queue[Answer | None] = queue.Queue(QUEUED_ANSWERS)
        self._speaking = False
        self._ended_ns = -ECHO_NS
        self._thread = threading.Thread(target=self._run, name="voice-speaker")
        self._thread.start()

    def tell(self, answer: Answer | None) -> None:
        """Tell an answer soon; never waits."""
        while True:
            try:
                return self._answers.put_nowait(answer)
            except queue.Full:
                with suppress(queue.Empty):  # they were told meanwhile
                    self._answers.get_nowait()

    def is_heard(self, receive_ns: int) -> bool:
        """Whether sound that was captured at a time may hold the speaker's voice; its tones are taken for no speech."""
        return self._speaking or receive_ns < self._ended_ns + ECHO_NS

    def close(self) -> None:
        """End after what is being told."""
        self.tell(None)
        self._thread.join()

    def _run(self) -> None:
        while (answer := self._answers.get()) is not None:
            try:
                self._tell(answer)
            except (AutoGLMError, OSError) as error:
                self.error = f"there is no loudspeaker ({error.args[-1]})"
                self._wait.failed(self._clock())
            else:
                self._wait.reset()

    def _tell(self, answer: Answer) -> None:
        if not (self._settings.speech or self._settings.tones) or not self._wait.over(self._clock()):
            return
        self.error = ""
        require_alsa_config()
        if self._settings.speech and WORD not in answer.sentence:  # the stop channel would hear it
            try:
                spoken = _spoken(answer.sentence)
            except AutoGLMError:  # no voice is installed, or it has no such letters: a tone still tells
                pass
            else:
                return self._speak(spoken)
        if self._settings.tones:
            _play(np.concatenate([_tone(hz) for hz in TONES_HZ[answer.outcome]]) * np.float32(self._settings.volume))

    def _speak(self, spoken: SampleArray) -> None:
        self._speaking = True
        try:
            _play(spoken)
        finally:
            self._ended_ns = self._clock()
            self._speaking = False


def _play(sound: SampleArray) -> None:
    """Play to the end; OSError where that cannot be."""
    with PORTAUDIO:
        silence_sound_libraries()
        portaudio = pyaudio.PyAudio()
    try:
        stream = portaudio.open(rate=RATE_HZ, channels=1, format=pyaudio.paInt16, output=True)
        stream.write(to_pcm16(sound))
        stream.stop_stream()  # waits until all of it was played
        stream.close()
    finally:
        with PORTAUDIO:
            portaudio.terminate()


def _spoken(sentence: str) -> SampleArray:
    with tempfile.TemporaryDirectory(prefix="autoglm-feedback-") as folder:
        synthesise(sentence, Path(folder) / "said.wav")
        return read_wav(Path(folder) / "said.wav")


def _tone(hz: float) -> SampleArray:
    """A sine (n,) that begins and ends softly."""
    t_s = np.arange(round(TONE_S * RATE_HZ)) / RATE_HZ
    envelope = np.clip(np.minimum(t_s, TONE_S - t_s) / FADE_S, 0.0, 1.0)
    return np.asarray(envelope * np.sin(2 * np.pi * hz * t_s), dtype=np.float32)
