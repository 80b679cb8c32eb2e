"""Segments a stream of blocks into utterances by voice activity detection (Silero VAD on onnxruntime)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort

from autoglm_embodied.errors import AudioError, ConfigError, SetupError
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray

CONTEXT = 64  # samples of the previous block that the network takes as context


def packaged_model() -> Path:
    """The network in the silero-vad package, found without importing it (that would load torch)."""
    spec = find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("the silero-vad package is missing; run `make` again, or `pip install --no-deps silero-vad`")
    return Path(spec.submodule_search_locations[0]) / "data" / "silero_vad.onnx"


class VoiceActivityDetector:
    """Silero VAD over a stream of blocks; keeps the network's state between blocks."""

    def __init__(self, model: Path | None = None) -> None:
        """Load the network `model`, the packaged one where None."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = model or packaged_model()
        if not path.is_file():
            raise SetupError(f"there is no voice activity network {path}; install silero-vad 6.2.3 again")
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(RATE_HZ, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Reset the network's state."""
        self._state = np.zeros((2, 1, 128), dtype=np.float32)
        self._context = np.zeros(CONTEXT, dtype=np.float32)

    def probability(self, samples: SampleArray) -> float:
        """The probability in 0..1 that the next block `samples` (BLOCK,) holds speech."""
        if samples.shape != (BLOCK,):
            raise AudioError(f"voice activity is judged on blocks of {BLOCK} samples, got {samples.shape}")
        window = np.concatenate((self._context, samples))[np.newaxis]  # (1, CONTEXT + BLOCK)
        output, self._state = self._session.run(None, {"input": window, "state": self._state, "sr": self._rate})
        self._context = samples[-CONTEXT:]
        return float(output[0, 0])


@dataclass(frozen=True)
class SegmenterSettings:
    """Thresholds of the begin and end of an utterance."""

    start_probability: float = setting(0.5, "speech begins at a block this likely", least=0.01, most=0.99)
    stop_probability: float = setting(0.35, "and goes on while blocks are at least this likely", least=0.01, most=0.99)
    end_silence_s: float = setting(0.5, "pause that ends an utterance", least=0.0, most=10.0)
    pre_roll_s: float = setting(
        0.3, "sound kept from before the start, as the detector is late for soft consonants", least=0.0, most=10.0
    )
    least_speech_s: float = setting(0.15, "shorter sounds are noise", least=0.0, most=10.0)
    longest_s: float = setting(8.0, "an utterance is cut here", least=0.1, most=30.0)

    def __post_init__(self) -> None:
        check_ranges(self, "segmenter")
        if self.stop_probability > self.start_probability:
            raise ConfigError(
                f"segmenter.stop_probability must be at most start_probability, {self.start_probability}, "
                f"got {self.stop_probability}"
            )
        if self.longest_s < self.end_silence_s:
            raise ConfigError(f"segmenter.longest_s must be at least end_silence_s, got {self.longest_s}")


@dataclass(frozen=True)
class Utterance:
    """A segment of speech with some sound before and after."""

    samples: SampleArray  # (n,)
    start_ns: int  # monotonic: the first block with speech was received
    end_ns: int  # monotonic: the last block with speech was received
    speech_s: float  # duration of the blocks with speech, without pauses


class Segmenter:
    """Start and stop hysteresis over the speech probabilities; time is that of the blocks."""

    def __init__(self, settings: SegmenterSettings | None = None) -> None:
        self._settings = settings or SegmenterSettings()
        self._blocks: deque[Block] = deque()
        self._speaking = False
        self._start_ns = self._end_ns = 0
        self._speech_s = 0.0

    def push(self, block: Block, probability: float) -> Utterance | None:
        """Add the next block and the probability in 0..1 that it holds speech; an utterance that ends with it."""
        threshold = self._settings.stop_probability if self._speaking else self._settings.start_probability
        self._blocks.append(block)
        if probability >= threshold:
            self._extend(block)
        elif not self._speaking:
            self._trim_pre_roll(block.receive_ns)
        if self._speaking and self._is_over(block.receive_ns):
            return self._end_utterance()
        return None

    def _extend(self, block: Block) -> None:
        if not self._speaking:
            self._speaking, self._start_ns, self._speech_s = True, block.receive_ns, 0.0
        self._end_ns = block.receive_ns
        self._speech_s += len(block.samples) / RATE_HZ

    def _trim_pre_roll(self, now_ns: int) -> None:
        while self._blocks and now_ns - self._blocks[0].receive_ns > self._settings.pre_roll_s * 1e9:
            self._blocks.popleft()

    def _is_over(self, now_ns: int) -> bool:
        quiet = now_ns - self._end_ns >= self._settings.end_silence_s * 1e9
        return quiet or now_ns - self._start_ns >= self._settings.longest_s * 1e9

    def _end_utterance(self) -> Utterance | None:
        samples = np.concatenate([block.samples for block in self._blocks])
        self._blocks.clear()
        self._speaking = False
        if self._speech_s < self._settings.least_speech_s:
            return None
        return Utterance(samples, self._start_ns, self._end_ns, self._speech_s)
