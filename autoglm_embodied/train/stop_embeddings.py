"""Embeddings of drawn sounds, to learn from: kept in parts, what was stopped goes on after its last whole part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.train.stop_sounds import EMBEDDING_SHAPE, SoundMixer
from autoglm_embodied.train.stop_speech import SpeechClip
from autoglm_embodied.voice.stop_features import (
    EMBEDDED_FRAMES,
    EMBEDDED_SIZE,
    FeatureArray,
    embedding_file,
    session_of,
)
from autoglm_embodied.voice.stop_spotter import SEEN
from autoglm_embodied.whole_file import whole_file

PART = 500  # sounds
AT_ONCE = 4  # sounds: what the processor's cache holds


LEAST_PREFERENCE = 0.1  # of a sound that the head has right, to one that it has quite wrong


@dataclass(frozen=True)
class EmbeddedSounds:
    """Sounds to learn from."""

    embeddings: NDArray[np.float16]  # (sounds, EMBEDDED_SIZE, steps)
    targets: NDArray[np.int8]  # (sounds, steps) of `Sound.target`


class EmbeddedBatches:
    """Batches of embedded sounds, in which those that the head has wrong come the more often.

    Args:
        sounds: to draw from.
        size: sounds of a batch.
        rng: draws them.
    """

    def __init__(self, sounds: EmbeddedSounds, size: int, rng: np.random.Generator) -> None:
        self._sounds, self._size, self._rng = sounds, size, rng
        self._losses = np.ones(len(sounds.targets))
        self._chosen = np.zeros(0, np.intp)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Embeddings (B, EMBEDDED_SIZE, S) and targets (B, S - SEEN + 1)."""
        preference = np.cumsum(LEAST_PREFERENCE + np.minimum(self._losses, 1.0))
        self._chosen = np.searchsorted(preference, self._rng.uniform(0.0, preference[-1], self._size))
        embeddings = self._sounds.embeddings[self._chosen].astype(np.float32)
        return torch.from_numpy(embeddings), torch.from_numpy(self._sounds.targets[self._chosen, SEEN - 1 :])

    def tell(self, losses: NDArray[np.floating]) -> None:
        """What the head loses (B,) on each sound of the last batch."""
        self._losses[self._chosen] = losses


class WholeSoundEmbedding:
    """The pretrained network over sounds of any length at once, a tenth of the work of one step after the other.

    Raises:
        SetupError: it is missing, or another one.
    """

    def __init__(self) -> None:
        import onnx
        from onnx import numpy_helper

        model = onnx.load(embedding_file())
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "frames"
        del model.graph.output[0].type.tensor_type.shape.dim[:]
        shapes = {(-1, 1, EMBEDDED_FRAMES, 34): (0, 1, -1, 34), (-1, 1, 1, EMBEDDED_SIZE): (0, EMBEDDED_SIZE, -1, 1)}
        for constant in model.graph.initializer:
            shape = shapes.get(tuple(numpy_helper.to_array(constant).ravel()[:5].tolist()))
            if shape is not None:
                constant.CopyFrom(numpy_helper.from_array(np.array(shape), constant.name))
        self._session = session_of(model.SerializeToString())

    def __call__(self, frames: FeatureArray) -> FeatureArray:
        """Embeddings (B, EMBEDDED_SIZE, S), of each step of 80 ms, of frames (B, EMBEDDED_BANDS, n)."""
        given = np.ascontiguousarray(frames.transpose(0, 2, 1))[..., np.newaxis]
        (found,) = self._session.run(None, {self._session.get_inputs()[0].name: given})
        return np.asarray(found, dtype=np.float32)[..., 0]


def draw_sounds(
    clips: Sequence[SpeechClip], count: int, folder: Path, seed: int, report: Callable[[int], None]
) -> EmbeddedSounds:
    """Draw sounds from clips and embed them, beginning after the parts that are there.

    Args:
        clips: with and without the word.
        count: sounds.
        folder: of the parts.
        seed: of all draws.
        report: called with how many sounds there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    embedding = WholeSoundEmbedding()
    parts = []
    for part in range(-(-count // PART)):
        path = folder / f"{part:04d}.npz"
        if not path.is_file():
            _draw_part(path, SoundMixer(clips, np.random.default_rng([seed, part]), EMBEDDING_SHAPE), embedding)
        parts.append(_load(path))
        report(min(count, (part + 1) * PART))
    embeddings, targets = (np.concatenate(arrays)[:count] for arrays in zip(*parts, strict=True))
    return EmbeddedSounds(embeddings, targets)


def _draw_part(path: Path, mixer: SoundMixer, embedding: WholeSoundEmbedding) -> None:
    embeddings, targets = [], []
    for _ in range(PART // AT_ONCE):
        sounds = [mixer.draw() for _ in range(AT_ONCE)]
        embeddings.append(embedding(np.stack([sound.features for sound in sounds])).astype(np.float16))
        targets += [sound.target for sound in sounds]
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, embeddings=np.concatenate(embeddings), targets=np.stack(targets))


def _load(path: Path) -> tuple[NDArray[np.float16], NDArray[np.int8]]:
    try:
        with np.load(path) as part:
            embeddings, targets = part["embeddings"], part["targets"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigError(f"{path} holds no drawn sounds ({error}); remove it") from error
    if embeddings.shape != (PART, EMBEDDED_SIZE, EMBEDDING_SHAPE.steps) or targets.shape != (
        PART,
        EMBEDDING_SHAPE.steps,
    ):
        raise ConfigError(f"{path} holds sounds of another network; remove it, or name another --out")
    return embeddings, targets
