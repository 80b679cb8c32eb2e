"""The listener: microphone -> voice activity -> utterance -> text -> accepted command, on two threads of its own.

One thread takes every block as it is captured and never waits for the other, which recognises. On the way it spots the
word "stop" in each block, before anything else: that needs neither the end of an utterance nor the recogniser.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.grammar import parse_command
from autoglm_embodied.voice.microphone import Block
from autoglm_embodied.voice.recogniser import Recogniser, Transcript
from autoglm_embodied.voice.segmenter import Segmenter, SegmenterSettings, Utterance, VoiceActivityDetector
from autoglm_embodied.voice.stop_spotter import LANGUAGE, WORD, StopSettings, StopSpotter, StopWord

QUEUED_UTTERANCES = 16
SILENCE_DBFS = -100.0


@dataclass(frozen=True)
class CommandSettings:
    """Acceptance thresholds of a recognised command.

    A recogniser with a prompt can write a command where nobody spoke one. So text alone is never enough: the activity
    detector must have detected speech, long enough for the number of words, and the recogniser must be confident.
    A stop needs little confidence and is never too old, as it moves nothing; a resume needs most, as it undoes a stop
    and a noisy "freeze" sounds like it.
    """

    least_confidence: float = 0.45
    least_stop_confidence: float = 0.2
    least_resume_confidence: float = 0.8
    most_no_speech: float = 0.5
    most_words_per_s: float = 7.0  # people speak 2 to 4 words a second, fast talkers 6
    most_latency_s: float = 10.0  # recognised later, a command is no longer what is wanted

    def __post_init__(self) -> None:
        least = (self.least_confidence, self.least_stop_confidence, self.least_resume_confidence)
        fractions = (*least, self.most_no_speech)
        if not all(0.0 <= value <= 1.0 for value in fractions) or min(self.most_words_per_s, self.most_latency_s) <= 0:
            raise ConfigError("command: confidences and most_no_speech must be within 0..1, the other limits above 0")


@dataclass(frozen=True)
class VoiceCommand:
    """An accepted command. Times are on the monotonic clock."""

    intent: Intent
    text: str  # as recognised
    instruction: str  # normalised, of a grasp
    language: str  # BCP-47
    confidence: float  # 0..1
    end_ns: int  # end of the speech
    speech_ns: int  # duration of the speech; 0 where it was not measured
    latency_ns: int  # from the end of the speech to its recognition
    slots: Mapping[str, str] = field(default_factory=dict)  # of the intent, in canonical English


def accept_command(
    utterance: Utterance, transcript: Transcript, language: str, now_ns: int, settings: CommandSettings
) -> VoiceCommand | None:
    """The command in an utterance, or None where there is none or its confidence is too low.

    Args:
        utterance: the speech.
        transcript: its text.
        language: BCP-47.
        now_ns: on the monotonic clock.
        settings: the acceptance thresholds.
    """
    parsed = parse_command(transcript.text, language)
    latency_ns = now_ns - utterance.end_ns
    if parsed is None or not _is_confident(utterance, transcript, parsed.intent, settings):
        return None
    if parsed.intent is not Intent.STOP and latency_ns > settings.most_latency_s * 1e9:
        return None
    return VoiceCommand(
        intent=parsed.intent,
        text=transcript.text,
        instruction=parsed.instruction,
        language=language,
        confidence=transcript.confidence,
        end_ns=utterance.end_ns,
        speech_ns=utterance.end_ns - utterance.start_ns,
        latency_ns=latency_ns,
        slots=parsed.slots,
    )


def _is_confident(utterance: Utterance, transcript: Transcript, intent: Intent, settings: CommandSettings) -> bool:
    special = {Intent.STOP: settings.least_stop_confidence, Intent.RESUME: settings.least_resume_confidence}
    least = special.get(intent, settings.least_confidence)
    long_enough = len(transcript.text.split()) <= settings.most_words_per_s * utterance.speech_s
    return transcript.confidence >= least and transcript.no_speech <= settings.most_no_speech and long_enough


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
    rejected: int = 0  # utterances without a command, or with too little confidence
    dropped_utterances: int = 0  # because recognition lagged behind
    last_text: str = ""
    recogniser_ready: bool = False
    error: Exception | None = None

    @property
    def state(self) -> str:
        """ "opening" until sound is captured and the recogniser loaded, then "listening"; "error" after a failure."""
        if self.error:
            return "error"
        return "listening" if self.blocks and self.recogniser_ready else "opening"


class Listener:
    """Listens for commands until it is closed; use it as a context manager.

    It opens the microphone and loads the recogniser, which both may take seconds, each on its own thread.

    Args:
        open_microphone: opens the device.
        load_recogniser: loads the recogniser.
        on_command: called with each command, on the recogniser's thread, and with each stop that was spotted, on that
            of the microphone.
        segmenter: when an utterance begins and ends.
        checks: acceptance thresholds of commands.
        stop: network and threshold of the stop channel.
        clock: monotonic time [ns], the one that stamps the blocks.
    """

    def __init__(
        self,
        open_microphone: Callable[[], SoundSource],
        load_recogniser: Callable[[], Recogniser],
        on_command: Callable[[VoiceCommand], None],
        segmenter: SegmenterSettings | None = None,
        checks: CommandSettings | None = None,
        stop: StopSettings | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._open_microphone = open_microphone
        self._load_recogniser = load_recogniser
        self._on_command = on_command
        self._segmenter = Segmenter(segmenter)
        self._checks = checks or CommandSettings()
        self._stop = stop
        self._clock = clock
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
        spotter, activity = StopSpotter(self._stop), VoiceActivityDetector()
        microphone = self._open_microphone()
        try:
            while not self._closing.is_set():
                block = microphone.read()
                word = spotter.push(block)
                if word is not None:
                    self._pass_stop_on(word)
                self._update(blocks=self._health.blocks + 1, lost_blocks=microphone.lost, level_dbfs=_level_dbfs(block))
                utterance = self._segmenter.push(block, activity.probability(block.samples))
                if utterance is not None:
                    self._enqueue(utterance)
        finally:
            microphone.close()

    def _pass_stop_on(self, word: StopWord) -> None:
        latency_ns = self._clock() - word.end_ns
        self._on_command(VoiceCommand(Intent.STOP, WORD, "", LANGUAGE, word.probability, word.end_ns, 0, latency_ns))
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
        self._update(recogniser_ready=True)
        while not self._closing.is_set():
            utterance = self._utterances.get()
            if utterance is not None:
                self._handle(utterance, recogniser)

    def _handle(self, utterance: Utterance, recogniser: Recogniser) -> None:
        transcript = recogniser.transcribe(utterance.samples)
        command = accept_command(utterance, transcript, recogniser.language, self._clock(), self._checks)
        counter = "rejected" if command is None else "commands"
        counts = {name: getattr(self._health, name) + 1 for name in ("utterances", counter)}
        self._update(**counts, last_text=transcript.text)
        if command is not None:
            self._on_command(command)

    def _update(self, **changes: object) -> None:
        with self._lock:
            self._health = replace(self._health, **changes)  # type: ignore[arg-type]


def _level_dbfs(block: Block) -> float:
    power = float(np.mean(np.square(block.samples)))
    return 10.0 * math.log10(power) if power > 1e-10 else SILENCE_DBFS
