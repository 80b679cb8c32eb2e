"""What the networks of the stop channel hear: log-mel frames, and what the encoder of a recogniser makes of a sound.

The encoder is that of Whisper tiny.en (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision",
2022), whose weights the recogniser has too; the stop channel loads its own copy, as the recogniser's may be busy.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from autoglm_embodied.errors import SetupError
from autoglm_embodied.voice.recogniser import RecogniserSettings, load_whisper
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.weights import TINY_EN, installed_folders

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

HOP, WINDOW, FFT = 160, 400, 512  # samples, samples, bins
HANN: SampleArray = np.hanning(WINDOW).astype(np.float32)
OVERLAP = WINDOW - HOP  # samples before a step that its frames also see
BANDS = 40  # mel bands of the log-mel frames
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
FLOOR = 1e-5  # of a band's power: about the quantisation noise of 16 bits

ENCODER_MISSING = f"the weights of {TINY_EN} are missing, so that the stop channel hears fewer stops; run `make` again"
ENCODED_FRAMES = 128  # of 10 ms, that the encoder sees
ENCODED = ENCODED_FRAMES * HOP  # samples: 1.28 s
POSITIONS, WIDTH = 40, 384  # the last ones of its output, of 20 ms each, and their numbers

FeatureArray = NDArray[np.float32]  # log power (bands, frames), or what the encoder makes of it (POSITIONS, WIDTH)


def log_mel(sound: SampleArray) -> FeatureArray:
    """Log-mel frames of `sound` (n,): (BANDS, frames), of WINDOW samples every HOP; a rest too short is left out."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]  # (frames, WINDOW)
    spectrum = np.fft.rfft(frames * HANN, FFT)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ _mel_filters()
    logarithms: FeatureArray = np.log(power + np.float32(FLOOR)).T
    return logarithms


class SpeechEncoder:
    """The pretrained encoder over the last ENCODED samples.

    Raises:
        SetupError: its weights are missing, or others.
    """

    def __init__(self) -> None:
        self._whisper = _whisper()

    def __call__(self, sounds: NDArray[np.float32]) -> FeatureArray:
        """The last positions (B, POSITIONS, WIDTH) of its output, of sounds (B, ENCODED)."""
        extract = self._whisper.feature_extractor
        frames = np.stack([extract(sound, padding=0)[:, :ENCODED_FRAMES] for sound in sounds])
        encoded = np.asarray(self._whisper.encode(np.ascontiguousarray(frames, dtype=np.float32)))
        positions: FeatureArray = encoded[:, -POSITIONS:].astype(np.float32)
        return positions


@cache
def _whisper() -> WhisperModel:
    return load_whisper(RecogniserSettings())


def encoder_installed() -> bool:
    """Whether the weights of the encoder are there."""
    try:
        return all((folder / "model.bin").is_file() for folder in installed_folders(TINY_EN))
    except SetupError:
        return False


def inference_session(path: Path) -> ort.InferenceSession:
    """A network on one thread; SetupError where the file holds none."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of onnxruntime, which derives them from nothing of its own
        raise SetupError(f"{path} is no network of the stop channel: {str(error).splitlines()[0]}") from error


@cache
def _mel_filters() -> NDArray[np.float32]:
    """Triangular filters (FFT // 2 + 1, BANDS), equally spaced on the mel scale of HTK."""
    lowest, highest = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (LOWEST_HZ, HIGHEST_HZ))
    corners_hz = 700.0 * (10.0 ** (np.linspace(lowest, highest, BANDS + 2) / 2595.0) - 1.0)
    hz = np.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1)[:, np.newaxis]
    below, centre, above = corners_hz[:-2], corners_hz[1:-1], corners_hz[2:]
    filters = np.minimum((hz - below) / (centre - below), (above - hz) / (above - centre))
    return np.clip(filters, 0.0, None).astype(np.float32)
