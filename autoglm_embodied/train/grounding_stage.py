"""The grounding stage: frame encoder, word encoder and grounding learn to find what words name in an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.data.stream import Indices, Read
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.train.batches import augmented, everything, grounding_batch, single_words
from autoglm_embodied.train.losses import grounding_loss
from autoglm_embodied.train.stage import parameters_of
from autoglm_embodied.types import Referent

FRAME_STRIDE = 4
"""Of the demonstrations, every so many frames: neighbours show the same objects."""
CHUNK = 128  # samples validated at once


class GroundingStage:
    """Learns from every image in which it is known where the objects are.

    Image and words are never dropped here: without them nothing is named, and there is nothing to learn.
    """

    name = "grounding"

    def __init__(self, model: GraspModel, shards: Sequence[Read]) -> None:
        self.model = model
        self._shards = shards
        self._modules: list[nn.Module] = [model.frames, model.words, model.grounding]
        self._generator = torch.Generator()
        self._single_words = single_words(model.config).to(model.device)

    def parameters(self) -> list[nn.Parameter]:
        """Those of the encoders and the grounding."""
        return list(parameters_of(self._modules))

    def train_mode(self) -> None:
        """Batch statistics are learnt here and nowhere else."""
        self.model.train()

    def begin_epoch(self, epoch: int, seed: int) -> None:
        """New augmentations."""
        self._generator.manual_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))

    def shards(self) -> Sequence[Read]:
        """Samples as they were collected."""
        return self._shards

    def select(self, arrays: Arrays) -> Indices:
        """All single images, and some of the demonstrations' frames."""
        placed, shown = arrays["placed"], arrays["target"] >= 0
        return np.union1d(np.flatnonzero(placed & ~shown), np.flatnonzero(placed & shown)[::FRAME_STRIDE])

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `grounding_loss`.

        Args:
            rows: samples.
            rng: draws the sentences.
        """
        device = self.model.device
        batch = grounding_batch(rows, self.model.config, rng)
        images, batch = augmented(batch.images, self._generator).to(device), batch.to(device)
        visual = self.model.encode(images)
        grounded, _ = self.model.ground(visual, batch.words, everything(len(images), device))
        _, each = self.model.words(self._single_words)
        return grounding_loss(visual, grounded, self.model.grounding.match_each(visual, each), batch)

    @torch.inference_mode()
    def validate(self, rows: Arrays, rng: np.random.Generator) -> dict[str, float]:
        """Share of sentences whose number of referents is right, and the error of the target [mm].

        Args:
            rows: samples.
            rng: draws the sentences.
        """
        self.model.eval()
        right, errors_mm, device = [], [], self.model.device
        for start in range(0, len(rows["phase"]), CHUNK):
            part = {name: values[start : start + CHUNK] for name, values in rows.items()}
            batch = grounding_batch(part, self.model.config, rng).to(device)
            present = everything(len(batch.images), device)
            grounded, _ = self.model.ground(self.model.encode(batch.images), batch.words, present)
            right.append(grounded.referent_logits.argmax(1) == batch.referent)
            one = batch.referent == Referent.ONE.value
            truth = (batch.matched[one].unsqueeze(-1) * batch.objects[one][..., :3].nan_to_num()).sum(1)
            errors_mm.append((grounded.target_m[one] - truth).norm(dim=1) * 1000)
        figures, error = {"referent": float(torch.cat(right).float().mean())}, torch.cat(errors_mm)
        if len(error):
            figures |= {"target_mm_p50": float(error.median()), "target_mm_p95": float(error.quantile(0.95))}
        return figures
