"""What the speech encoder makes of drawn sounds, to learn from: kept in parts, it goes on after the last whole one."""

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
from autoglm_embodied.train.stop_network import MEMBERS
from autoglm_embodied.train.stop_sounds import ENCODER_SHAPE, SoundMixer
from autoglm_embodied.train.stop_speech import SpeechClip
from autoglm_embodied.voice.stop_features import ENCODED, POSITIONS, WIDTH, SpeechEncoder
from autoglm_embodied.voice.stop_spotter import ENCODED_EVERY, STEP
from autoglm_embodied.whole_file import whole_file

PART = 250  # sounds
SHAPE = (PART, ENCODER_SHAPE.steps, POSITIONS, WIDTH)
LEAST_PREFERENCE = 0.15  # of a sound that the head has right, to one that it has quite wrong


@dataclass(frozen=True)
class EncodedSounds:
    """Sounds to learn from."""

    encodings: NDArray[np.float16]  # (sounds, steps, POSITIONS, WIDTH)
    targets: NDArray[np.int8]  # (sounds, steps) of `Sound.target`


class EncodedBatches:
    """Batches of encoded sounds, in which those that the head has wrong come the more often.

    The part of a batch that is for one member of the head is always drawn from the same part of the sounds.

    Args:
        sounds: to draw from.
        size: sounds of a batch.
        rng: draws them.
    """

    def __init__(self, sounds: EncodedSounds, size: int, rng: np.random.Generator) -> None:
        self._sounds, self._size, self._rng = sounds, size, rng
        self._losses = np.ones(len(sounds.targets))
        self._parts = np.array_split(np.arange(len(sounds.targets)), MEMBERS)
        self._chosen = np.zeros(0, np.intp)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Encodings (B, S, POSITIONS, WIDTH) and targets (B, S)."""
        shares = np.array_split(np.arange(self._size), MEMBERS)
        self._chosen = np.concatenate([self._draw(*each) for each in zip(self._parts, map(len, shares), strict=True)])
        encodings = self._sounds.encodings[self._chosen].astype(np.float32)
        return torch.from_numpy(encodings), torch.from_numpy(self._sounds.targets[self._chosen])

    def _draw(self, sounds: NDArray[np.intp], count: int) -> NDArray[np.intp]:
        preference = np.cumsum(LEAST_PREFERENCE + np.minimum(self._losses[sounds], 1.0))
        return sounds[np.searchsorted(preference, self._rng.uniform(0.0, preference[-1], count))]

    def tell(self, losses: NDArray[np.floating]) -> None:
        """What the head loses (B,) on each sound of the last batch."""
        self._losses[self._chosen] = losses


def draw_sounds(
    clips: Sequence[SpeechClip], count: int, folder: Path, seed: int, report: Callable[[int], None]
) -> EncodedSounds:
    """Draw sounds from clips and encode them, beginning after the parts that are there.

    Args:
        clips: with and without the word.
        count: sounds.
        folder: of the parts.
        seed: of all draws.
        report: called with how many sounds there are.

    Raises:
        ConfigError: a part is none.
        SetupError: the encoder is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = -(-count // PART)
    encodings = np.empty((parts * PART, *SHAPE[1:]), np.float16)
    targets = np.empty((parts * PART, ENCODER_SHAPE.steps), np.int8)
    for part in range(parts):
        path = folder / f"{part:04d}.npz"
        if not path.is_file():
            _draw_part(path, SoundMixer(clips, np.random.default_rng([seed, part]), ENCODER_SHAPE))
        held = slice(part * PART, (part + 1) * PART)
        encodings[held], targets[held] = _load(path)
        report(min(count, (part + 1) * PART))
    return EncodedSounds(encodings[:count], targets[:count])


def encoder_windows(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the encoder sees at each step (steps, ENCODED) of a sound (n,)."""
    return np.lib.stride_tricks.sliding_window_view(sound, ENCODED)[:: ENCODED_EVERY * STEP]


def _draw_part(path: Path, mixer: SoundMixer) -> None:
    encoder, sounds = SpeechEncoder(), [mixer.draw() for _ in range(PART)]
    encodings = [encoder(encoder_windows(sound.features)).astype(np.float16) for sound in sounds]
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, encodings=np.stack(encodings), targets=np.stack([sound.target for sound in sounds]))


def _load(path: Path) -> tuple[NDArray[np.float16], NDArray[np.int8]]:
    try:
        with np.load(path) as part:
            encodings, targets = part["encodings"], part["targets"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigError(f"{path} holds no drawn sounds ({error}); remove it") from error
    if encodings.shape != SHAPE or targets.shape != SHAPE[:2]:
        raise ConfigError(f"{path} holds sounds of another network; remove it, or name another --out")
    return encodings, targets
