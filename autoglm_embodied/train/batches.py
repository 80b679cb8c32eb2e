"""Samples to tensors, with sentences drawn anew each time they are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import word_ids
from autoglm_embodied.model.image import encoder_input
from autoglm_embodied.train.instructions import Description, Named, any_description, matches, naming
from autoglm_embodied.types import Camera, Referent
from autoglm_embodied.vocabulary import COLOURS, SHAPES

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class GroundingBatch:
    """Images, words, and what the simulator knows of the objects."""

    images: Tensor  # (B, 7, h, w)
    words: Tensor  # (B, L)
    things: Tensor  # (B, T, 4) centre [m] and size [m]; NaN where there is none
    attributes: Tensor  # (B, T, V) bool thing is what word V of the vocabulary says
    matched: Tensor  # (B, T) bool thing fits the words
    referent: Tensor  # (B,)


def named_things(rows: NDArray[np.floating]) -> list[Named]:
    """Colour and shape of the things of one sample (T, 6)."""
    return [(COLOURS[int(row[0])], SHAPES[int(row[1])]) for row in rows if row[0] >= 0]


def images(arrays: Arrays, indices: Indices) -> Tensor:
    """Encoder inputs (B, 7, h, w)."""
    return torch.from_numpy(np.stack([_image(arrays, int(index)) for index in indices]))


def _image(arrays: Arrays, index: int) -> NDArray[np.floating]:
    fx, fy, cx, cy, width, height = arrays["camera"][index]
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    camera = Camera(int(width), int(height), K, arrays["T_base_camera"][index])
    return encoder_input(arrays["rgb"][index], arrays["depth_mm"][index] / np.float32(1000), camera)


def words(descriptions: Sequence[Description], config: GraspConfig) -> Tensor:
    """Word ids (B, L)."""
    return torch.tensor([word_ids(said.sentence(""), config.words, config.max_words) for said in descriptions])


def grounding_batch(arrays: Arrays, indices: Indices, config: GraspConfig, rng: np.random.Generator) -> GroundingBatch:
    """Random descriptions of random things, some of them not there and some of them there twice."""
    rows = arrays["things"][indices].astype(np.float32)  # (B, T, 6)
    named = [named_things(row) for row in rows]
    said = [any_description(things, rng) for things in named]
    matched = np.zeros(rows.shape[:2], bool)
    for sample, (description, things) in enumerate(zip(said, named, strict=True)):
        matched[sample, matches(description, things)] = True
    places = np.where(rows[..., :1] >= 0, rows[..., 2:6], np.nan)
    referent = np.minimum(matched.sum(1), Referent.MANY.value)
    return GroundingBatch(
        images(arrays, indices),
        words(said, config),
        torch.from_numpy(places),
        torch.from_numpy(_attributes(rows)),
        torch.from_numpy(matched),
        torch.from_numpy(referent),
    )


def _attributes(rows: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(B, T, V) which word of COLOURS + SHAPES each thing of (B, T, 6) is."""
    colours = rows[..., :1] == np.arange(len(COLOURS))
    shapes = rows[..., 1:2] == np.arange(len(SHAPES))
    return np.concatenate([colours, shapes], axis=-1)


def single_words(config: GraspConfig) -> Tensor:
    """Word ids (V, L) of every colour and shape alone."""
    return torch.tensor([word_ids(word, config.words, config.max_words) for word in (*COLOURS, *SHAPES)])


def target_words(arrays: Arrays, indices: Indices, config: GraspConfig, rng: np.random.Generator) -> Tensor:
    """Word ids (B, L) of sentences that name each sample's target."""
    rows = arrays["things"][indices]
    targets = arrays["target"][indices]
    said = [naming(named_things(row), int(target), rng) for row, target in zip(rows, targets, strict=True)]
    return words(said, config)


def augmented(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Images with brightness, tint and noise changed, and some pixels' depth lost."""
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
