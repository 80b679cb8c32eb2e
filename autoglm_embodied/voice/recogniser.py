"""Speech recognition: the interface of a recogniser, and Whisper on CTranslate2."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from autoglm_embodied.command_language.language import language as language_of
from autoglm_embodied.command_language.language import require_language
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.weights import (
    SPEECH_MODELS,
    TINY_EN,
    installed_folders,
    joined_files,
    require_weights,
    speech_model,
)

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

BEAMS = 8  # and as many hypotheses
MOST_TOKENS = 48  # of a text
SHORTEST_S, LONGEST_S = 9.0, 30.0  # of the sound that is encoded; its cost grows with it, and below 9 s texts get worse
UNSPOKEN = re.compile(r"[.!?…\-]|[A-Z](?!')")  # full stops and capitals only tell equal texts apart
NUMBER = re.compile(r" ?\d+|\.\d+")


@dataclass(frozen=True)
class RecogniserSettings:
    """Weights, language and execution of the recogniser."""

    model: str = setting(TINY_EN, f"one of {', '.join(SPEECH_MODELS)}")
    weights: str = setting("", "a folder with weights for CTranslate2 instead")
    weights_sha256: str = setting("", "of its model.bin; empty: not checked")
    language: str = setting("en", "of what is spoken and of the commands in it, BCP-47")
    threads: int = setting(1, "of the recogniser", least=1, most=64)
    compute_type: str = setting("int8", "of CTranslate2; float32 is no more accurate and takes twice as long")

    def __post_init__(self) -> None:
        check_ranges(self, "recogniser")
        require_language(self.language)
        speech_model(self.model)

    @classmethod
    def named(cls, model: str, language: str = "en") -> RecogniserSettings:
        """Those of a known model or a folder with one; ConfigError if it is neither."""
        if model and model not in SPEECH_MODELS and Path(model).expanduser().is_dir():
            return cls(weights=model, language=language)
        return cls(model=model, language=language)


@dataclass(frozen=True)
class Hypothesis:
    """A text that may have been said."""

    text: str
    log_probability: float  # natural, of all its tokens together
    tokens: int


@dataclass(frozen=True)
class Transcript:
    """What may have been said, the likeliest first; no hypotheses where there was no speech."""

    hypotheses: tuple[Hypothesis, ...] = ()
    no_speech: float = 0.0  # 0..1, probability of no speech

    @property
    def text(self) -> str:
        """The likeliest text; empty where there is none."""
        return self.hypotheses[0].text if self.hypotheses else ""


class Recogniser(Protocol):
    """Transcribes one utterance."""

    @property
    def language(self) -> str:
        """The language it recognises, as a BCP-47 tag."""

    def transcribe(self, samples: SampleArray) -> Transcript:
        """What may be said in `samples` (n,)."""


class WhisperRecogniser:
    """Whisper by faster-whisper on the CPU, without a prompt, as it would hear that in noise.

    Each utterance is decoded twice: freely, and with the words of the command language alone, where that is closed.
    Both give hypotheses on one scale, so that the free ones tell how much better something else fits than a command.
    To check and load the weights takes about a second.

    Raises:
        SetupError: the weights are missing or are not the expected ones.
        ConfigError: they cannot be loaded as the settings ask.
    """

    def __init__(self, settings: RecogniserSettings | None = None) -> None:
        from faster_whisper.tokenizer import Tokenizer

        settings = settings or RecogniserSettings()
        self.language = settings.language
        self._model = load_whisper(settings)
        if not self._model.model.is_multilingual and self.language != "en":
            raise ConfigError(
                f"the recogniser {settings.weights or settings.model} knows English only, got language "
                f"{self.language!r}; set it to en, or choose a model of all languages, such as base"
            )
        main = require_language(self.language)
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, self._model.model.is_multilingual, "transcribe", main)
        self._left_out = _tokens_left_out(self._tokenizer, language_of(main).closed_words)

    def transcribe(self, samples: SampleArray) -> Transcript:
        """What may be said in `samples` (n,); of more than 30 s only the last ones are heard."""
        from faster_whisper.transcribe import pad_or_trim

        heard = np.asarray(samples[-round(LONGEST_S * RATE_HZ) :], dtype=np.float32)
        features = self._model.feature_extractor(heard)
        frames = min(round(LONGEST_S * 100), max(round(SHORTEST_S * 100), features.shape[1]))
        encoded = self._model.encode(pad_or_trim(features, frames))
        prompt = self._model.get_prompt(self._tokenizer, [], without_timestamps=True)
        best: dict[str, Hypothesis] = {}
        for left_out in self._left_out:
            found = self._model.model.generate(
                encoded,
                [prompt],
                beam_size=BEAMS,
                num_hypotheses=BEAMS,
                max_length=len(prompt) + MOST_TOKENS,
                return_scores=True,
                return_no_speech_prob=True,
                suppress_tokens=left_out,
            )[0]
            for tokens, score in zip(found.sequences_ids, found.scores, strict=True):
                each = Hypothesis(self._tokenizer.decode(tokens).strip(), score * len(tokens), len(tokens))
                best[each.text] = max(each, best.get(each.text, each), key=lambda one: one.log_probability)
        ordered = sorted(best.values(), key=lambda each: -each.log_probability)
        return Transcript(tuple(each for each in ordered if each.text), found.no_speech_prob)


def load_whisper(settings: RecogniserSettings) -> WhisperModel:
    """Whisper on the CPU.

    Raises:
        SetupError: the weights are missing or are not the expected ones.
        ConfigError: they cannot be loaded as the settings ask.
    """
    from faster_whisper import WhisperModel  # takes half a second, on the loading thread

    folder, files = _weights_of(settings)
    try:
        return WhisperModel(
            str(folder),
            device="cpu",
            compute_type=settings.compute_type,
            cpu_threads=settings.threads,
            local_files_only=True,
            files=files,
        )
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"cannot load the recogniser {folder} as {settings.compute_type}: {error}") from error


def _weights_of(settings: RecogniserSettings) -> tuple[Path, dict[str, bytes] | None]:
    """The folder of checked weights, and the contents of their files where they are in several folders."""
    if settings.weights:
        folders, sha256, setting = [Path(settings.weights).expanduser()], settings.weights_sha256, "weights_sha256"
    else:
        folders, sha256 = installed_folders(settings.model), speech_model(settings.model).sha256
        setting = "model"
    if len(folders) > 1:
        return folders[0], joined_files(folders, sha256)
    require_weights(folders[0] / "model.bin", sha256, f"recogniser.{setting}")
    return folders[0], None


def _tokens_left_out(tokenizer: Any, closed_words: Sequence[str]) -> list[list[int]]:
    """The tokens that each decoding leaves out: those that only tell texts apart; all but those of the words."""
    from faster_whisper.transcribe import get_suppressed_tokens

    never = {*get_suppressed_tokens(tokenizer, [-1])}
    vocabulary = tokenizer.tokenizer.get_vocab().items()  # byte-level, with a letter of its own for a space
    written = {token: text.replace("\u0120", " ") for text, token in vocabulary if token < tokenizer.eot}
    if not closed_words:
        return [sorted(never)]
    numbers = {token for token, text in written.items() if NUMBER.fullmatch(text)}
    unspoken = {token for token, text in written.items() if UNSPOKEN.search(text) and text.strip() != "I"} - numbers
    words = {token for word in closed_words for token in tokenizer.encode(f" {word}")}
    kept = words | numbers | {token for token, text in written.items() if text == ","}
    return [sorted(never | unspoken), sorted(never | {*written} - kept)]
