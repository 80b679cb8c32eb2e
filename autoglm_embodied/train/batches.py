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
from autoglm_embodied.model.inputs import encoder_input
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
    inputs = []
    for rgb, depth_mm, camera, T_base_camera in zip(
        *(rows[name] for name in ("rgb", "depth_mm", "camera", "T_base_camera")), strict=True
    ):
        fx, fy, cx, cy, width, height = camera
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        inputs.append(
            encoder_input(rgb, depth_mm / np.float32(1000), Camera(int(width), int(height), K, T_base_camera))
        )
    return torch.from_numpy(np.stack(inputs))


def words(sentences: Sequence[str], config: GraspConfig) -> Tensor:
    """Word ids (B, L) of B sentences, as the model of `config` knows them."""
    return torch.tensor([word_ids(sentence, config.words, config.max_words) for sentence in sentences])


def grounding_batch(rows: Arrays, config: GraspConfig, rng: np.random.Generator) -> GroundingBatch:
    """Random descriptions, drawn by `rng`, of random objects: some are not there and some of them there twice."""
    most = int((rows["objects"][..., 0] >= 0).sum(axis=1).max(initial=1))
    objects = rows["objects"][:, :most].astype(np.float32)  # (B, T, 6)
    named = [named_objects(row) for row in objects]
    said = [any_description(each, rng) for each in named]
    matched = np.zeros(objects.shape[:2], bool)
    for sample, (description, each) in enumerate(zip(said, named, strict=True)):
        matched[sample, matches(description, each)] = True
    colours, shapes = objects[..., :1] == np.arange(len(COLOURS)), objects[..., 1:2] == np.arange(len(SHAPES))
    places = np.where(objects[..., :1] >= 0, objects[..., 2:6], np.nan)
    referent = np.minimum(matched.sum(1), Referent.MANY.value)
    return GroundingBatch(
        images(rows),
        words([description.sentence("") for description in said], config),
        torch.from_numpy(places),
        torch.from_numpy(np.concatenate([colours, shapes], axis=-1)),
        torch.from_numpy(matched),
        torch.from_numpy(referent),
    )


def target_words(rows: Arrays, config: GraspConfig, rng: np.random.Generator) -> Tensor:
    """Word ids (B, L) of what names each sample's target: the instruction it came with, else one drawn by `rng`."""
    said = [
        str(given) or naming(named_objects(objects), int(target), rng).sentence("")
        for given, objects, target in zip(rows["instruction"], rows["objects"], rows["target"], strict=True)
    ]
    return words(said, config)


def augmented(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Encoder inputs (B, 7, h, w) with brightness, tint and noise changed, and some pixels' depth lost."""
    shape = (len(batch), 3, 1, 1)
    gain = 1 + 0.15 * torch.randn(len(batch), 1, 1, 1, generator=generator)
    gain = gain + 0.05 * torch.randn(shape, generator=generator)
    # One pattern of noise for the whole batch, new each time: drawing it costs as much as a convolution.
    noise = 0.03 * torch.randn(batch.shape[1:], generator=generator)[:3]
    kept = (torch.rand(batch.shape[2:], generator=generator) > 0.02).float()
    colour = ((batch[:, :3] + 1) * gain - 1 + 0.05 * torch.randn(shape, generator=generator) + noise).clamp(-1, 1)
    return torch.cat([colour, batch[:, 3:] * kept], dim=1)
