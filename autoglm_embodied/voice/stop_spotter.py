"""The stop channel: a small network that spots the word "stop" in a stream of sound, apart from any recogniser.

Two networks that err on different sounds judge together whether the word has just ended (docs/stop_channel.md): every
20 ms a causal convolutional one on log-mel frames, and every 80 ms one on what the encoder of Whisper makes of the last
1.28 s, without which the first judges alone. Where the activity detector heard no speech, nothing is the word, and the
encoder rests. They run in steps of the same length whatever blocks come, so that these change no result.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoglm_embodied.errors import SetupError
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.stop_features import (
    ENCODED,
    HOP,
    OVERLAP,
    POSITIONS,
    WIDTH,
    SpeechEncoder,
    encoder_installed,
    inference_session,
    log_mel,
)
from autoglm_embodied.voice.weights import require_weights

SHIPPED, SHIPPED_HEAD = (
    Path(__file__).parent.parent / "weights" / "stop_word" / name for name in ("stop.onnx", "encoder_head.onnx")
)
NO_HEAD = "none"
WORD, LANGUAGE = "stop", "en"
SHIPPED_SHA256 = "8ab9df3d708106f9eded1df9fb9d4461fe1a2fca743437f262010d36450e0ded"
SHIPPED_HEAD_SHA256 = "0b9cc397d56cf5e51db815642ea8963b047eaaed688f26474549a0fc9f7aa0b5"
STEP_FRAMES = 2
STEP = STEP_FRAMES * HOP  # samples of one run of the network on log-mel frames: 20 ms
ENCODED_EVERY = 4  # steps
JUDGED_S = 0.16  # before now, in which the highest logit of each network counts
LOG_MEL_WEIGHT, MOST_LOGIT = 0.5, 12.0  # of the network on log-mel frames beside the head; of either logit
SPEECH_BLOCKS = round(0.5 * RATE_HZ / BLOCK)  # in one of which there must have been speech
DELAY_NS = 60_000_000  # about the median, from the end of the word to its detection


@dataclass(frozen=True)
class StopSettings:
    """The networks of the stop channel and when they stop the robot; lower values stop it more readily."""

    weights: str = setting("", "ONNX file of the network on log-mel frames; empty: the shipped one")
    weights_sha256: str = setting(SHIPPED_SHA256, "of that file; empty: not checked")
    head: str = setting("", "ONNX file of the network on the speech encoder; empty: the shipped one; none: without")
    head_sha256: str = setting(SHIPPED_HEAD_SHA256, "of that file; empty: not checked")
    least_probability: float = setting(0.5, "of the word, at which the robot is stopped", least=0.05, most=0.99)
    least_speech: float = setting(
        0.8, "probability of speech in the last half second for the word", least=0.0, most=0.99
    )
    hold_off_s: float = setting(0.6, "in which the same word does not stop it again", least=0.1, most=5.0)

    def __post_init__(self) -> None:
        check_ranges(self, "stop")

    @property
    def lacks_encoder(self) -> bool:
        """Whether the speech encoder is wanted, and not installed."""
        return self.head != NO_HEAD and not encoder_installed()


@dataclass(frozen=True)
class StopWord:
    """The word, spotted."""

    end_ns: int  # when about it ended, monotonic clock
    probability: float


class _LogMelNetwork:
    """The network on log-mel frames, with its state."""

    def __init__(self, path: Path, sha256: str) -> None:
        require_weights(path, sha256, "stop.weights_sha256")
        self._network = inference_session(path)
        taken = [each.name for each in self._network.get_inputs()]
        if taken != ["features", "state"]:
            raise SetupError(f"{path} is no network of the stop channel: it takes {taken}, not features and state")
        self._state = np.zeros(self._network.get_inputs()[1].shape, dtype=np.float32)

    def step(self, sound: SampleArray) -> float:
        """The logit at the end of `sound` (OVERLAP + STEP,)."""
        inputs = {"features": log_mel(sound)[np.newaxis], "state": self._state}
        logit, self._state = self._network.run(None, inputs)
        return float(logit.item())


class _EncoderNetwork:
    """The head on the speech encoder, with the sound that this looks at."""

    def __init__(self, path: Path, sha256: str) -> None:
        require_weights(path, sha256, "stop.head_sha256")
        self._head, self._encoder = inference_session(path), SpeechEncoder()
        taken = [each.shape for each in self._head.get_inputs()]
        if taken != [[1, POSITIONS, WIDTH]]:
            raise SetupError(f"{path} is no network on the speech encoder: it takes {taken}, not one (1, 40, 384)")
        self._sound: SampleArray = np.zeros(ENCODED, dtype=np.float32)

    def push(self, sound: SampleArray) -> None:
        """Take the next samples (n,)."""
        self._sound = np.concatenate((self._sound[len(sound) :], sound))

    def logit(self) -> float:
        """The logit at the end of all that was taken."""
        (logit,) = self._head.run(None, {self._head.get_inputs()[0].name: self._encoder(self._sound[np.newaxis])})
        return float(logit.item())


class StopSpotter:
    """Spots the word in a stream of blocks of any size; keeps the networks' states between them.

    Raises:
        SetupError: a network is missing, or not the expected one; the speech encoder may be missing.
    """

    def __init__(self, settings: StopSettings | None = None) -> None:
        self._settings = settings or StopSettings()
        self._log_mel = _LogMelNetwork(_file(self._settings.weights, SHIPPED), self._settings.weights_sha256)
        self._encoder: _EncoderNetwork | None = None
        if self._settings.head != NO_HEAD and not self._settings.lacks_encoder:
            head = _file(self._settings.head, SHIPPED_HEAD)
            self._encoder = _EncoderNetwork(head, self._settings.head_sha256)
        self._length = STEP if self._encoder is None else ENCODED_EVERY * STEP  # samples of a judgement
        self._sound: SampleArray = np.zeros(OVERLAP, dtype=np.float32)
        judged = round(JUDGED_S * RATE_HZ)
        self._logits: deque[float] = deque(maxlen=judged // STEP)
        self._encoder_logits: deque[float] = deque(maxlen=judged // (ENCODED_EVERY * STEP))
        self._speech: deque[float] = deque(maxlen=SPEECH_BLOCKS)
        self._hold_off = 0  # samples

    def push(self, block: Block, speech: float = 1.0) -> StopWord | None:
        """The word where one ended in the next block, the last one where several did.

        Args:
            block: of any length.
            speech: probability that it holds speech.
        """
        self._speech.append(speech)
        samples = np.nan_to_num(np.asarray(block.samples, dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
        self._sound = np.concatenate((self._sound, np.clip(samples, -1.0, 1.0)))
        spotted = None
        while len(self._sound) >= OVERLAP + self._length:
            probability = self._judge(self._sound[: OVERLAP + self._length])
            self._sound = self._sound[self._length :]
            if self._is_new(probability):
                newer_ns = (len(self._sound) - OVERLAP) * 1_000_000_000 // RATE_HZ
                spotted = StopWord(block.receive_ns - newer_ns - DELAY_NS, probability)
        return spotted

    def _judge(self, sound: SampleArray) -> float:
        """Probability that the word ended in the last `_length` samples of `sound`, or just before."""
        for begin in range(0, self._length, STEP):
            self._logits.append(self._log_mel.step(sound[begin : begin + OVERLAP + STEP]))
        logit = self._logits[-1]
        if self._encoder is not None:
            self._encoder.push(sound[OVERLAP:])
            self._encoder_logits.append(self._encoder.logit() if self._is_speech else -MOST_LOGIT)
            log_mel, encoded = np.clip((max(self._logits), max(self._encoder_logits)), -MOST_LOGIT, MOST_LOGIT)
            logit = float(encoded + LOG_MEL_WEIGHT * log_mel)
        return float(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))

    @property
    def _is_speech(self) -> bool:
        return max(self._speech) >= self._settings.least_speech

    def _is_new(self, probability: float) -> bool:
        self._hold_off = max(0, self._hold_off - self._length)
        new = self._is_speech and probability >= self._settings.least_probability and self._hold_off == 0
        if new:
            self._hold_off = round(self._settings.hold_off_s * RATE_HZ)
        return new


def _file(name: str, shipped: Path) -> Path:
    return Path(name).expanduser() if name else shipped
