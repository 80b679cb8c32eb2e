"""The first lesson: find what words name in an image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.train.batches import Indices, augmented, grounding_batch, single_words
from autoglm_embodied.train.losses import grounding_loss
from autoglm_embodied.train.stage import parameters_of
from autoglm_embodied.types import MODALITIES, Referent

FRAME_STRIDE = 4
"""Of the demonstrations, every so many frames: neighbours show the same things."""


def everything(samples: int) -> Tensor:
    """(B, M) every modality is present."""
    return torch.ones(samples, len(MODALITIES), dtype=torch.bool)


class GroundingStage:
    """Teaches the frame encoder, the word encoder and the grounding on every image there is."""

    name = "finding"

    def __init__(self, model: GraspModel, arrays: Arrays) -> None:
        self.model = model
        demonstrated = np.flatnonzero(arrays["target"] >= 0)[::FRAME_STRIDE]
        self.samples: Indices = np.union1d(np.flatnonzero(arrays["target"] < 0), demonstrated)
        self._arrays = arrays
        self._modules: list[nn.Module] = [model.frames, model.words, model.grounding]
        self._generator = torch.Generator()
        self._single_words = single_words(model.config)

    def parameters(self) -> list[nn.Parameter]:
        """Those of the encoders and the grounding."""
        return list(parameters_of(self._modules))

    def train_mode(self) -> None:
        """Batch statistics are learnt here and nowhere else."""
        self.model.train()

    def begin_epoch(self, epoch: int, rng: np.random.Generator) -> None:
        """New augmentations."""
        self._generator.manual_seed(int(rng.integers(2**31)))

    def losses(self, indices: Indices, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `grounding_loss`."""
        batch = grounding_batch(self._arrays, indices, self.model.config, rng)
        visual = self.model.encode(augmented(batch.images, self._generator))
        grounded, _ = self.model.ground(visual, batch.words, everything(len(indices)))
        _, each = self.model.words(self._single_words)
        return grounding_loss(visual, grounded, self.model.grounding.match_each(visual, each), batch)

    @torch.inference_mode()
    def validate(self, indices: Indices, rng: np.random.Generator) -> dict[str, float]:
        """Share of sentences whose number of referents is right, and the error of the target [mm]."""
        self.model.eval()
        right, errors_mm = [], []
        for part in np.array_split(indices, max(1, len(indices) // 128)):
            batch = grounding_batch(self._arrays, part, self.model.config, rng)
            grounded, _ = self.model.ground(self.model.encode(batch.images), batch.words, everything(len(part)))
            right.append(grounded.referent_logits.argmax(1) == batch.referent)
            one = batch.referent == Referent.ONE.value
            truth = (batch.matched[one].unsqueeze(-1) * batch.things[one][..., :3].nan_to_num()).sum(1)
            errors_mm.append((grounded.target_m[one] - truth).norm(dim=1) * 1000)
        error = torch.cat(errors_mm)
        return {
            "referent": float(torch.cat(right).float().mean()),
            "target_mm_p50": float(error.median()),
            "target_mm_p95": float(error.quantile(0.95)),
        }
