"""The stop channel: a small network that spots the word "stop" in a stream of sound, apart from any recogniser.

It computes log-mel frames, and every 20 ms a causal convolutional network gives the probability that the word has just
ended (docs/stop_channel.md). Where the activity detector heard no speech, nothing is the word. The network runs in
steps of the same length whatever blocks come, so that these change no result.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from autoglm_embodied.errors import SetupError
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.weights import require_weights

SHIPPED = Path(__file__).parent.parent / "weights" / "stop_word" / "stop.onnx"
WORD, LANGUAGE = "stop", "en"
SHIPPED_SHA256 = "8ab9df3d708106f9eded1df9fb9d4461fe1a2fca743437f262010d36450e0ded"
HOP, WINDOW, FFT, BANDS = 160, 400, 512, 40  # samples, samples, bins, mel bands
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
FLOOR = 1e-5  # of a band's power: about the quantisation noise of 16 bits
STEP_FRAMES = 2
STEP = STEP_FRAMES * HOP  # samples of one run of the network: 20 ms
OVERLAP = WINDOW - HOP  # samples before a step that its frames also see
SPEECH_BLOCKS = round(0.5 * RATE_HZ / BLOCK)  # in one of which there must have been speech
DELAY_NS = 40_000_000  # median of the network, from the end of the word to its detection

FeatureArray = NDArray[np.float32]  # (BANDS, frames) log power


@dataclass(frozen=True)
class StopSettings:
    """The network of the stop channel and when it stops the robot; lower values stop it more readily."""

    weights: str = setting("", "ONNX file of the network; empty: the shipped one")
    weights_sha256: str = setting(SHIPPED_SHA256, "of that file; empty: not checked")
    least_probability: float = setting(0.5, "of the word, at which the robot is stopped", least=0.05, most=0.99)
    least_speech: float = setting(
        0.8, "probability of speech in the last half second for the word", least=0.0, most=0.99
    )
    hold_off_s: float = setting(0.6, "in which the same word does not stop it again", least=0.1, most=5.0)

    def __post_init__(self) -> None:
        check_ranges(self, "stop")


@dataclass(frozen=True)
class StopWord:
    """The word, spotted."""

    end_ns: int  # when about it ended, monotonic clock
    probability: float


class StopSpotter:
    """Spots the word in a stream of blocks of any size; keeps the network's state between them.

    Raises:
        SetupError: the network is missing, or not the expected one.
    """

    def __init__(self, settings: StopSettings | None = None) -> None:
        self._settings = settings or StopSettings()
        path = Path(self._settings.weights).expanduser() if self._settings.weights else SHIPPED
        require_weights(path, self._settings.weights_sha256, "stop.weights_sha256")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._network = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of onnxruntime, which derives them from nothing of its own
            raise SetupError(f"{path} is no network of the stop channel: {str(error).splitlines()[0]}") from error
        self._state = np.zeros(self._network.get_inputs()[1].shape, dtype=np.float32)
        self._sound: SampleArray = np.zeros(OVERLAP, dtype=np.float32)
        self._speech: deque[float] = deque(maxlen=SPEECH_BLOCKS)
        self._hold_off = 0  # steps

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
        while len(self._sound) >= OVERLAP + STEP:
            probability = self._step(self._sound[: OVERLAP + STEP])
            self._sound = self._sound[STEP:]
            if self._is_new(probability):
                newer_ns = (len(self._sound) - OVERLAP) * 1_000_000_000 // RATE_HZ
                spotted = StopWord(block.receive_ns - newer_ns - DELAY_NS, probability)
        return spotted

    def _step(self, sound: SampleArray) -> float:
        inputs = {"features": log_mel(sound)[np.newaxis], "state": self._state}
        logit, self._state = self._network.run(None, inputs)
        return float(1.0 / (1.0 + np.exp(-np.clip(logit.item(), -30.0, 30.0))))

    def _is_new(self, probability: float) -> bool:
        self._hold_off = max(0, self._hold_off - 1)
        likely = probability >= self._settings.least_probability and max(self._speech) >= self._settings.least_speech
        new = likely and self._hold_off == 0
        if new:
            self._hold_off = round(self._settings.hold_off_s * RATE_HZ / STEP)
        return new


def log_mel(sound: SampleArray) -> FeatureArray:
    """Log-mel frames of `sound` (n,): (BANDS, frames), of WINDOW samples every HOP; a rest too short is left out."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]  # (frames, WINDOW)
    spectrum = np.fft.rfft(frames * _window(), FFT)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
    logarithms: FeatureArray = np.log(power @ _mel_filters() + np.float32(FLOOR)).T
    return logarithms


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(WINDOW).astype(np.float32)


@cache
def _mel_filters() -> NDArray[np.float32]:
    """Triangular filters (FFT // 2 + 1, BANDS), equally spaced on the mel scale of HTK."""
    lowest, highest = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (LOWEST_HZ, HIGHEST_HZ))
    corners_hz = 700.0 * (10.0 ** (np.linspace(lowest, highest, BANDS + 2) / 2595.0) - 1.0)
    hz = np.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1)[:, np.newaxis]
    below, centre, above = corners_hz[:-2], corners_hz[1:-1], corners_hz[2:]
    filters = np.minimum((hz - below) / (centre - below), (above - hz) / (above - centre))
    return np.clip(filters, 0.0, None).astype(np.float32)
