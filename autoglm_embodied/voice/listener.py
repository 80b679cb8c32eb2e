"""The listener: microphone -> activity -> utterance -> text -> command, on two threads of its own.

One thread takes every block as it comes and never waits for the other, which recognises.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol

import numpy as np

from autoglm_embodied.voice.command import CommandSettings, VoiceCommand, command_of
from autoglm_embodied.voice.microphone import Block
from autoglm_embodied.voice.recogniser import Recogniser
from autoglm_embodied.voice.segmenter import Segmenter, SegmenterSettings, Utterance, VoiceActivityDetector

WAITING_UTTERANCES = 16
SILENCE_DBFS = -100.0


class SoundSource(Protocol):
    """What the listener needs of a microphone."""

    lost: int

    def read(self) -> Block:
        """The next block, waiting for it."""

    def close(self) -> None:
        """Give the device back."""


@dataclass(frozen=True)
class ListenerHealth:
    """How the listener is doing."""

    blocks: int = 0
    lost_blocks: int = 0
    level_dbfs: float = SILENCE_DBFS
    utterances: int = 0
    commands: int = 0
    rejected: int = 0  # utterances that were no command, or not surely one
    unheard: int = 0  # utterances given up because recognition lagged too far behind
    last_text: str = ""
    recogniser_ready: bool = False
    error: Exception | None = None

    @property
    def state(self) -> str:
        """ "opening" until sound comes and the recogniser is loaded, then "listening"; "error" when it gave up."""
        if self.error:
            return "error"
        return "listening" if self.blocks and self.recogniser_ready else "opening"


class Listener:
    """Hears commands until it is closed; use it as a context manager."""

    def __init__(
        self,
        open_microphone: Callable[[], SoundSource],
        load_recogniser: Callable[[], Recogniser],
        on_command: Callable[[VoiceCommand], None],
        segmenter: SegmenterSettings | None = None,
        checks: CommandSettings | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Begin to open the microphone and to load the recogniser, each on its own thread.

        Args:
            open_microphone: opens the device; may take seconds.
            load_recogniser: loads the recogniser; may take seconds.
            on_command: called with each command, on the recogniser's thread.
            segmenter: when an utterance begins and ends.
            checks: how sure a command must be.
            clock: monotonic time [ns], the one that stamps the blocks.
        """
        self._open_microphone = open_microphone
        self._load_recogniser = load_recogniser
        self._on_command = on_command
        self._segmenter = Segmenter(segmenter)
        self._checks = checks or CommandSettings()
        self._clock = clock
        self._utterances: queue.Queue[Utterance | None] = queue.Queue(WAITING_UTTERANCES)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._health = ListenerHealth()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"voice-{work.__name__.strip('_')}")
            for work in (self._capture, self._recognise)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def health(self) -> ListenerHealth:
        """How it is doing now; after an error it hears nothing any more."""
        with self._lock:
            return self._health

    def close(self) -> None:
        """End both threads and give the microphone back; more than once is fine."""
        self._closing.set()
        self._hand_over(None)
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whatever it is, it must not leave a deaf listener that looks alive
            self._note(error=error)
            self._closing.set()
            self._hand_over(None)

    def _capture(self) -> None:
        activity = VoiceActivityDetector()
        microphone = self._open_microphone()
        try:
            while not self._closing.is_set():
                block = microphone.read()
                self._note(blocks=self._health.blocks + 1, lost_blocks=microphone.lost, level_dbfs=_level(block))
                utterance = self._segmenter.push(block, activity.probability(block.samples))
                if utterance is not None:
                    self._hand_over(utterance)
        finally:
            microphone.close()

    def _hand_over(self, utterance: Utterance | None) -> None:
        # The newest counts most, it may be a stop: where recognition lags, the oldest is given up.
        while True:
            try:
                return self._utterances.put_nowait(utterance)
            except queue.Full:
                self._utterances.get_nowait()
                self._note(unheard=self._health.unheard + 1)

    def _recognise(self) -> None:
        recogniser = self._load_recogniser()
        self._note(recogniser_ready=True)
        while not self._closing.is_set():
            utterance = self._utterances.get()
            if utterance is not None:
                self._answer(utterance, recogniser)

    def _answer(self, utterance: Utterance, recogniser: Recogniser) -> None:
        transcript = recogniser.transcribe(utterance.samples)
        command = command_of(utterance, transcript, recogniser.language, self._clock(), self._checks)
        counts = self._health
        if command is None:
            self._note(utterances=counts.utterances + 1, rejected=counts.rejected + 1, last_text=transcript.text)
            return
        self._note(utterances=counts.utterances + 1, commands=counts.commands + 1, last_text=transcript.text)
        self._on_command(command)

    def _note(self, **changes: object) -> None:
        with self._lock:
            self._health = replace(self._health, **changes)  # type: ignore[arg-type]


def _level(block: Block) -> float:
    power = float(np.mean(np.square(block.samples)))
    return 10.0 * math.log10(power) if power > 1e-10 else SILENCE_DBFS
