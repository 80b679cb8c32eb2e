"""The listener: microphone -> voice activity -> utterance -> text -> answer, on two threads of its own.

One thread takes every block as it is captured and never waits for the other, which recognises. On the way it spots the
word "stop" in each block, before anything else: that needs neither the end of an utterance nor the recogniser.
A microphone that is not there, or no more, is tried again where that is asked for.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from autoglm_embodied.errors import AudioError
from autoglm_embodied.growing_wait import GrowingWait
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.answer import Answer, CommandSettings, Dialogue, Outcome, VoiceCommand, understood
from autoglm_embodied.voice.microphone import Block
from autoglm_embodied.voice.recogniser import Recogniser
from autoglm_embodied.voice.segmenter import Segmenter, SegmenterSettings, Utterance, VoiceActivityDetector
from autoglm_embodied.voice.stop_spotter import LANGUAGE, WORD, StopSettings, StopSpotter, StopWord

QUEUED_UTTERANCES = 16
SILENCE_DBFS = -100.0
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 30.0  # before a microphone is tried again
NO_MICROPHONE = "no microphone"
LOOK_S = 0.1  # whether that wait is over


class SoundSource(Protocol):
    """What the listener needs of a microphone."""

    lost: int  # blocks

    def read(self) -> Block:
        """The next block, waiting for it."""

    def close(self) -> None:
        """Give the device back."""


@dataclass(frozen=True)
class ListenerHealth:
    """State and counters of the listener."""

    blocks: int = 0
    lost_blocks: int = 0
    level_dbfs: float = SILENCE_DBFS
    stops: int = 0  # spotted by the stop channel
    utterances: int = 0
    commands: int = 0
    asked: int = 0  # back, whether a command was meant
    rejected: int = 0  # utterances without a command, or with too little confidence
    dropped_utterances: int = 0  # because recognition lagged behind
    last_text: str = ""
    recogniser_ready: bool = False
    microphone: str = ""  # why there is none, while it is tried again; empty: there is one, or it is being opened
    microphone_failures: int = 0  # times that it could not be opened, or gave no sound any more
    error: Exception | None = None

    @property
    def state(self) -> str:
        """ "opening" until sound is captured and the recogniser loaded, then "listening".

        "no microphone" while one is waited for; "error" after a failure.
        """
        if self.error:
            return "error"
        if self.microphone:
            return NO_MICROPHONE
        return "listening" if self.blocks and self.recogniser_ready else "opening"


class Listener:
    """Listens for commands until it is closed; use it as a context manager.

    It opens the microphone and loads the recogniser, which both may take seconds, each on its own thread.

    Args:
        open_microphone: opens the device.
        load_recogniser: loads the recogniser.
        on_answer: called with the answer to each utterance, on the recogniser's thread, and to each stop that was
            spotted, on that of the microphone.
        segmenter: when an utterance begins and ends.
        checks: acceptance thresholds of commands.
        stop: network and threshold of the stop channel.
        hears_itself: whether the robot's own sound may be in what was captured at a time [ns]; the recogniser then
            hears nothing, while the stop channel goes on.
        clock: monotonic time [ns], the one that stamps the blocks.
        waits_for_microphone: whether one that cannot be opened, or is lost, is tried again, ever later, at least every
            30 s; the listener otherwise ends with the reason.
    """

    def __init__(
        self,
        open_microphone: Callable[[], SoundSource],
        load_recogniser: Callable[[], Recogniser],
        on_answer: Callable[[Answer], None],
        segmenter: SegmenterSettings | None = None,
        checks: CommandSettings | None = None,
        stop: StopSettings | None = None,
        hears_itself: Callable[[int], bool] = lambda _: False,
        clock: Callable[[], int] = time.monotonic_ns,
        waits_for_microphone: bool = False,
    ) -> None:
        self._open_microphone = open_microphone
        self._load_recogniser = load_recogniser
        self._on_answer = on_answer
        self._segmenter = segmenter
        self._checks = checks or CommandSettings()
        self._stop = stop
        self._hears_itself = hears_itself
        self._clock = clock
        self._waits_for_microphone = waits_for_microphone
        self._utterances: queue.Queue[Utterance | None] = queue.Queue(QUEUED_UTTERANCES)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._health = ListenerHealth()
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=f"voice-{work.__name__.strip('_')}")
            for work in (self._capture, self._recognise)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def health(self) -> ListenerHealth:
        """State and counters; after an error it no longer listens."""
        with self._lock:
            return self._health

    def close(self) -> None:
        """End both threads and give the microphone back; more than once is fine."""
        self._closing.set()
        self._enqueue(None)
        for thread in self._threads:
            thread.join()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # of any kind: a dead thread must not look like a listener at work
            self._update(error=error)
            self._closing.set()
            self._enqueue(None)

    def _capture(self) -> None:
        wait = GrowingWait(LEAST_WAIT_S, MOST_WAIT_S)
        spotter, activity = StopSpotter(self._stop), VoiceActivityDetector()
        while not self._closing.is_set():
            began_ns, blocks = self._clock(), self._health.blocks
            try:
                self._hear(spotter, activity)
            except AudioError as error:
                if not self._waits_for_microphone:
                    raise
                if self._health.blocks > blocks:  # what the networks remember is of before
                    spotter, activity = StopSpotter(self._stop), VoiceActivityDetector()
                    wait.works(began_ns, self._clock())
                wait.failed(self._clock())
                self._update(microphone=str(error), microphone_failures=self._health.microphone_failures + 1)
            while not wait.over(self._clock()) and not self._closing.wait(LOOK_S):
                pass

    def _hear(self, spotter: StopSpotter, activity: VoiceActivityDetector) -> None:
        """Open the microphone, and take what it captures until the end; an AudioError is why it is not, or no more."""
        segmenter, lost_before = Segmenter(self._segmenter), self._health.lost_blocks
        microphone = self._open_microphone()
        try:
            while not self._closing.is_set():
                block = microphone.read()
                speech = activity.probability(block.samples)
                word = spotter.push(block, speech)
                if word is not None:
                    self._pass_stop_on(word)
                lost = lost_before + microphone.lost
                blocks, level_dbfs = self._health.blocks + 1, _level_dbfs(block)
                self._update(blocks=blocks, lost_blocks=lost, level_dbfs=level_dbfs, microphone="")
                if self._hears_itself(block.receive_ns):
                    block, speech = replace(block, samples=np.zeros_like(block.samples)), 0.0
                utterance = segmenter.push(block, speech)
                if utterance is not None:
                    self._enqueue(utterance)
        finally:
            microphone.close()

    def _pass_stop_on(self, word: StopWord) -> None:
        latency_ns = self._clock() - word.end_ns
        stop = VoiceCommand(Intent.STOP, WORD, "", LANGUAGE, word.probability, word.end_ns, 0, latency_ns)
        self._on_answer(understood(stop))
        self._update(stops=self._health.stops + 1)

    def _enqueue(self, utterance: Utterance | None) -> None:
        # The newest matters most, it may be a stop: where recognition lags, the oldest is dropped.
        while True:
            try:
                return self._utterances.put_nowait(utterance)
            except queue.Full:
                self._utterances.get_nowait()
                self._update(dropped_utterances=self._health.dropped_utterances + 1)

    def _recognise(self) -> None:
        recogniser = self._load_recogniser()
        dialogue = Dialogue(recogniser.language, self._checks)
        self._update(recogniser_ready=True)
        while not self._closing.is_set():
            utterance = self._utterances.get()
            if utterance is not None:
                transcript = recogniser.transcribe(utterance.samples)
                self._pass_on(dialogue.answer(utterance, transcript, self._clock()), transcript.text)

    def _pass_on(self, answer: Answer, text: str) -> None:
        counters = {Outcome.UNDERSTOOD: "commands", Outcome.ASKED: "asked", Outcome.REFUSED: "rejected"}
        counts = {name: getattr(self._health, name) + 1 for name in ("utterances", counters[answer.outcome])}
        self._update(**counts, last_text=answer.command.text if answer.command else text)
        self._on_answer(answer)

    def _update(self, **changes: object) -> None:
        with self._lock:
            self._health = replace(self._health, **changes)  # type: ignore[arg-type]


def _level_dbfs(block: Block) -> float:
    power = float(np.mean(np.square(block.samples)))
    return 10.0 * math.log10(power) if power > 1e-10 else SILENCE_DBFS
