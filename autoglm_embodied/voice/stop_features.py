"""What the networks of the stop channel hear: log-mel frames, and a pretrained embedding of speech.

The embedding turns the last 0.78 s into 96 numbers (Lin et al., "Training Keyword Spotters with Limited and Synthesized
Speech Data", ICASSP 2020). Set-up takes Google's file (Apache-2.0), and nothing else, out of the wheel openwakeword
0.4.0, which is never imported.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from autoglm_embodied.errors import SetupError
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.weights import require_weights

HOP, WINDOW, FFT = 160, 400, 512  # samples, samples, bins
HANN: SampleArray = np.hanning(WINDOW).astype(np.float32)
PERIODIC_HANN: SampleArray = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
OVERLAP = WINDOW - HOP  # samples before a step that its frames also see
BANDS = 40  # mel bands of the log-mel frames
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
FLOOR = 1e-5  # of a band's power: about the quantisation noise of 16 bits

EMBEDDING_PACKAGE, EMBEDDING_FILE = "openwakeword", "resources/models/embedding_model.onnx"
EMBEDDING_MISSING = "the speech embedding is missing, so that the stop channel hears fewer stops; run `make` again"
EMBEDDING_SHA256 = "ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51"
EMBEDDED_BANDS, EMBEDDED_FRAMES = 32, 76  # that an embedding is made of
EMBEDDED_SIZE = 96  # its numbers
EMBEDDED_HIGHEST_HZ = 3800.0
EMBEDDED_FLOOR = 1e-2  # of samples of 16 bits: a little below their quantisation noise

FeatureArray = NDArray[np.float32]  # (bands, frames) log power, or an embedding


def log_mel(sound: SampleArray) -> FeatureArray:
    """Log-mel frames of `sound` (n,): (BANDS, frames), of WINDOW samples every HOP; a rest too short is left out."""
    power = _power(sound, HANN) @ _mel_filters()
    logarithms: FeatureArray = np.log(power + np.float32(FLOOR)).T
    return logarithms


def embedding_frames(sound: SampleArray) -> FeatureArray:
    """Frames as the embedding learned them, of `sound` (n,): (EMBEDDED_BANDS, frames), times as of `log_mel`."""
    power = _power(sound, PERIODIC_HANN) @ _embedded_filters()
    logarithms: FeatureArray = np.log10(power * np.float32(32768**2) + np.float32(EMBEDDED_FLOOR)).T + np.float32(2.0)
    return logarithms


class SpeechEmbedding:
    """The embedding of the last EMBEDDED_FRAMES frames of a stream, before which all was silent.

    Raises:
        SetupError: the pretrained network is missing, or another one.
    """

    def __init__(self) -> None:
        self._network = inference_session(embedding_file())
        self._frames = embedding_frames(np.zeros(OVERLAP + EMBEDDED_FRAMES * HOP, dtype=np.float32))

    def push(self, sound: SampleArray) -> FeatureArray:
        """The embedding (EMBEDDED_SIZE,) at the end of `sound` (OVERLAP + n,), the last n samples of which are new."""
        self._frames = np.concatenate((self._frames, embedding_frames(sound)), axis=1)[:, -EMBEDDED_FRAMES:]
        frames = np.ascontiguousarray(self._frames.T)[np.newaxis, :, :, np.newaxis]
        (embedding,) = self._network.run(None, {self._network.get_inputs()[0].name: frames})
        return np.asarray(embedding, dtype=np.float32).reshape(EMBEDDED_SIZE)


def installed_embedding() -> Path | None:
    """The file of the pretrained network, None where it is not installed."""
    spec = find_spec(EMBEDDING_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / EMBEDDING_FILE if folders else None
    return path if path and path.is_file() else None


def embedding_file() -> Path:
    """The file of the pretrained network; SetupError where it is not there, or another one."""
    path = installed_embedding()
    if path is None:
        raise SetupError(EMBEDDING_MISSING)
    require_weights(path, EMBEDDING_SHA256, "")
    return path


def inference_session(path: Path) -> ort.InferenceSession:
    """A network on one thread; SetupError where the file holds none."""
    try:
        return session_of(path.read_bytes())
    except Exception as error:  # of onnxruntime, which derives them from nothing of its own
        raise SetupError(f"{path} is no network of the stop channel: {str(error).splitlines()[0]}") from error


def session_of(network: bytes) -> ort.InferenceSession:
    """A network of the content of an ONNX file, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; what is rewritten for sounds of any length has other shapes within
    return ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def _power(sound: SampleArray, window: SampleArray) -> NDArray[np.float32]:
    """The power spectrum (frames, FFT // 2 + 1) of `sound` (n,)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]  # (frames, WINDOW)
    spectrum = np.fft.rfft(frames * window, FFT)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float32)


@cache
def _mel_filters() -> NDArray[np.float32]:
    """Filters (FFT // 2 + 1, BANDS), equally spaced on the mel scale of HTK."""
    lowest, highest = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (LOWEST_HZ, HIGHEST_HZ))
    return _triangles(700.0 * (10.0 ** (np.linspace(lowest, highest, BANDS + 2) / 2595.0) - 1.0))


@cache
def _embedded_filters() -> NDArray[np.float32]:
    """Filters (FFT // 2 + 1, EMBEDDED_BANDS) of the same area, equally spaced on the mel scale of Slaney."""
    mel = np.linspace(_slaney(LOWEST_HZ), _slaney(EMBEDDED_HIGHEST_HZ), EMBEDDED_BANDS + 2)
    corners_hz = np.where(mel < 15.0, mel * 200.0 / 3.0, 1000.0 * 6.4 ** ((mel - 15.0) / 27.0))
    areas_hz = 0.5 * (corners_hz[2:] - corners_hz[:-2])
    return np.asarray(_triangles(corners_hz) / areas_hz, dtype=np.float32)


def _slaney(hz: float) -> float:
    return hz * 3.0 / 200.0 if hz < 1000.0 else 15.0 + 27.0 * math.log(hz / 1000.0, 6.4)


def _triangles(corners_hz: NDArray[np.floating]) -> NDArray[np.float32]:
    """Triangular filters (FFT // 2 + 1, n) between corners (n + 2,)."""
    hz = np.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1)[:, np.newaxis]
    below, centre, above = corners_hz[:-2], corners_hz[1:-1], corners_hz[2:]
    filters = np.minimum((hz - below) / (centre - below), (above - hz) / (above - centre))
    return np.clip(filters, 0.0, None).astype(np.float32)
