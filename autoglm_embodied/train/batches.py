"""Samples to tensors, with sentences drawn anew each time they are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import word_ids
from autoglm_embodied.model.image import encoder_input
from autoglm_embodied.train.instructions import Named, any_description, matches, naming
from autoglm_embodied.types import MODALITIES, Camera, Referent
from autoglm_embodied.vocabulary import COLOURS, SHAPES


@dataclass(frozen=True)
class GroundingBatch:
    """Images, words, and where the objects are."""

    images: Tensor  # (B, 7, h, w)
    words: Tensor  # (B, L)
    objects: Tensor  # (B, T, 4) centre [m] and size [m]; NaN where there is none
    attributes: Tensor  # (B, T, V) bool object is what word V of the vocabulary says
    matched: Tensor  # (B, T) bool object fits the words
    referent: Tensor  # (B,)

    def to(self, device: torch.device) -> GroundingBatch:
        """The same batch on `device`."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def everything(samples: int, device: torch.device) -> Tensor:
    """(B, M) bool: every modality is present."""
    return torch.ones(samples, len(MODALITIES), dtype=torch.bool, device=device)


def named_objects(rows: NDArray[np.floating]) -> list[Named]:
    """Colour and shape of the objects of one sample (T, 6); the shape is empty where no word says it."""
    return [(COLOURS[int(row[0])], SHAPES[int(row[1])] if row[1] >= 0 else "") for row in rows if row[0] >= 0]


def images(rows: Arrays) -> Tensor:
    """Encoder inputs (B, 7, h, w)."""
    return torch.from_numpy(np.stack([_image(rows, sample) for sample in range(len(rows["rgb"]))]))


def _image(rows: Arrays, sample: int) -> NDArray[np.floating]:
    fx, fy, cx, cy, width, height = rows["camera"][sample]
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    camera = Camera(int(width), int(height), K, rows["T_base_camera"][sample])
    return encoder_input(rows["rgb"][sample], rows["depth_mm"][sample] / np.float32(1000), camera)


def words(sentences: Sequence[str], config: GraspConfig) -> Tensor:
    """Word ids (B, L).

    Args:
        sentences: B of them.
        config: of the model.
    """
    return torch.tensor([word_ids(sentence, config.words, config.max_words) for sentence in sentences])


def grounding_batch(rows: Arrays, config: GraspConfig, rng: np.random.Generator) -> GroundingBatch:
    """Random descriptions of random objects, some of them not there and some of them there twice.

    Args:
        rows: B samples.
        config: of the model.
        rng: draws the descriptions.
    """
    most = int((rows["objects"][..., 0] >= 0).sum(axis=1).max(initial=1))
    objects = rows["objects"][:, :most].astype(np.float32)  # (B, T, 6)
    named = [named_objects(row) for row in objects]
    said = [any_description(each, rng) for each in named]
    matched = np.zeros(objects.shape[:2], bool)
    for sample, (description, each) in enumerate(zip(said, named, strict=True)):
        matched[sample, matches(description, each)] = True
    places = np.where(objects[..., :1] >= 0, objects[..., 2:6], np.nan)
    referent = np.minimum(matched.sum(1), Referent.MANY.value)
    return GroundingBatch(
        images(rows),
        words([description.sentence("") for description in said], config),
        torch.from_numpy(places),
        torch.from_numpy(_attributes(objects)),
        torch.from_numpy(matched),
        torch.from_numpy(referent),
    )


def _attributes(rows: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(B, T, V) which word of COLOURS + SHAPES each object of (B, T, 6) is."""
    colours = rows[..., :1] == np.arange(len(COLOURS))
    shapes = rows[..., 1:2] == np.arange(len(SHAPES))
    return np.concatenate([colours, shapes], axis=-1)


def single_words(config: GraspConfig) -> Tensor:
    """Word ids (V, L) of every colour and shape alone."""
    return torch.tensor([word_ids(word, config.words, config.max_words) for word in (*COLOURS, *SHAPES)])


def target_words(rows: Arrays, config: GraspConfig, rng: np.random.Generator) -> Tensor:
    """Word ids (B, L) of what names each sample's target: the instruction it came with, else a description.

    Args:
        rows: B samples with a target.
        config: of the model.
        rng: draws the descriptions.
    """
    said = [
        str(given) or naming(named_objects(objects), int(target), rng).sentence("")
        for given, objects, target in zip(rows["instruction"], rows["objects"], rows["target"], strict=True)
    ]
    return words(said, config)


def augmented(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Images with brightness, tint and noise changed, and some pixels' depth lost.

    Args:
        batch: (B, 7, h, w) encoder inputs.
        generator: draws the changes.
    """
    shape = (len(batch), 3, 1, 1)
    gain = (
        1
        + 0.15 * torch.randn(len(batch), 1, 1, 1, generator=generator)
        + 0.05 * torch.randn(shape, generator=generator)
    )
    # One pattern of noise for the whole batch, new each time: drawing it costs as much as a convolution.
    noise = 0.03 * torch.randn(batch.shape[1:], generator=generator)[:3]
    kept = (torch.rand(batch.shape[2:], generator=generator) > 0.02).float()
    colour = ((batch[:, :3] + 1) * gain - 1 + 0.05 * torch.randn(shape, generator=generator) + noise).clamp(-1, 1)
    return torch.cat([colour, batch[:, 3:] * kept], dim=1)
