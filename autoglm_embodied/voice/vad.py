"""Voice activity: how likely each 32 ms block holds speech (Silero VAD on onnxruntime)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort

from autoglm_embodied.errors import AudioError, SetupError
from autoglm_embodied.voice.microphone import BLOCK
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray

CONTEXT = 64
"""Samples of the block before that the network sees again."""


def packaged_model() -> Path:
    """The network in the silero-vad package, found without importing it (that would load torch)."""
    spec = find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("the silero-vad package is missing; run `make` again, or `pip install --no-deps silero-vad`")
    return Path(spec.submodule_search_locations[0]) / "data" / "silero_vad.onnx"


class VoiceActivityDetector:
    """Silero VAD over a stream of blocks; keeps the network's state from one to the next."""

    def __init__(self, model: Path | None = None) -> None:
        """Load the network `model`, the packaged one where None."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = model or packaged_model()
        if not path.is_file():
            raise SetupError(f"there is no voice activity network {path}; install silero-vad 6.2.3 again")
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(RATE_HZ, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._state = np.zeros((2, 1, 128), dtype=np.float32)
        self._context = np.zeros(CONTEXT, dtype=np.float32)

    def probability(self, samples: SampleArray) -> float:
        """The probability in 0..1 that the next block `samples` (BLOCK,) holds speech."""
        if samples.shape != (BLOCK,):
            raise AudioError(f"voice activity is judged on blocks of {BLOCK} samples, got {samples.shape}")
        heard = np.concatenate((self._context, samples))[np.newaxis]  # (1, CONTEXT + BLOCK)
        output, self._state = self._session.run(None, {"input": heard, "state": self._state, "sr": self._rate})
        self._context = samples[-CONTEXT:]
        return float(output[0, 0])
