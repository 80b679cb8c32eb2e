"""The grounding stage: frame encoder, word encoder and grounding learn to find what words name in an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from autoglm_embodied.data.shards import Arrays, Indices, Read
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.grounding import Grounded
from autoglm_embodied.train.batches import GroundingBatch, augmented, everything, grounding_batch, words
from autoglm_embodied.types import Referent
from autoglm_embodied.vocabulary import COLOURS, SHAPES

FRAME_STRIDE = 4  # of the demonstrations, every so many frames: neighbours show the same objects
CHUNK = 128  # samples validated at once
LIFTED_OFF_TABLE_M = 0.004
POINT_SCALE_M = 0.02


class GroundingStage:
    """Learns from every image in which it is known where the objects are.

    Image and words are never dropped here: without them nothing is named, and there is nothing to learn.
    """

    name = "grounding"
    training = True  # the mode of its modules while it learns
    share_aside, most_aside = 0.04, 1000  # to validate on; held in memory, of all shards together

    def __init__(self, model: GraspModel, shards: Sequence[Read]) -> None:
        self.model = model
        self.shards = shards
        self.parameters = [p for part in (model.frames, model.words, model.grounding) for p in part.parameters()]
        self._generator = torch.Generator()
        self._single_words = words((*COLOURS, *SHAPES), model.config).to(model.device)

    def begin_epoch(self, epoch: int, seed: int) -> None:
        """New augmentations."""
        self._generator.manual_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))

    def select(self, arrays: Arrays) -> Indices:
        """All single images, and some of the demonstrations' frames."""
        placed, shown = arrays["placed"], arrays["target"] >= 0
        return np.union1d(np.flatnonzero(placed & ~shown), np.flatnonzero(placed & shown)[::FRAME_STRIDE])

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `grounding_loss`; `rng` draws the sentences."""
        device = self.model.device
        batch = grounding_batch(rows, self.model.config, rng)
        images, batch = augmented(batch.images, self._generator).to(device), batch.to(device)
        visual = self.model.encode(images)
        grounded, _ = self.model.ground(visual, batch.words, everything(len(images), device))
        _, each = self.model.words(self._single_words)
        return grounding_loss(visual, grounded, self.model.grounding.match_each(visual, each), batch)

    @torch.inference_mode()
    def validate(self, rows: Arrays, rng: np.random.Generator) -> dict[str, float]:
        """Share of sentences whose number of referents is right, and the error of the target [mm]."""
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


def grounding_loss(visual: Tensor, grounded: Grounded, each_word: Tensor, batch: GroundingBatch) -> dict[str, Tensor]:
    """Match of each token, votes of tokens on objects, the voted target, and how many objects fit.

    Args:
        visual: (B, N, D + 4) tokens.
        grounded: what the model found.
        each_word: (B, N, V) match of each token with every word of the vocabulary.
        batch: what is there.
    """
    on = _on_object(visual, batch.objects)
    matched = (on & batch.matched.unsqueeze(1)).any(-1)
    match = _match_loss(grounded.match_logits, matched)
    is_word = torch.einsum("bnt,btv->bnv", on.float(), batch.attributes.float()) > 0
    words = 2 * _match_loss(each_word[on.any(-1)], is_word[on.any(-1)])  # what an object is, not where
    centre = torch.einsum("bnt,btc->bnc", on.float(), batch.objects[..., :3].nan_to_num())
    single = on.sum(-1) == 1
    votes = _point_loss(grounded.votes_m[single], centre[single])
    one = batch.referent == Referent.ONE.value
    named = torch.einsum("bt,btc->bc", batch.matched.float(), batch.objects[..., :3].nan_to_num())
    seen = one & matched.any(1)
    target = _point_loss(grounded.target_m[seen], named[seen])
    referent = F.cross_entropy(grounded.referent_logits.float(), batch.referent)
    return {"match": match, "words": words, "votes": votes, "target": target, "referent": referent}


def _on_object(visual: Tensor, objects: Tensor) -> Tensor:
    """(B, N, T) whether each token looks at each object (B, T, 4), of centre and size [m]; NaN where there is none."""
    anchor_m, known = visual[..., -4:-1], visual[..., -1]  # place in the base frame; fraction of pixels with depth
    distance = (anchor_m.unsqueeze(2) - objects[:, None, :, :3]).norm(dim=-1)  # NaN where there is no object
    near: Tensor = distance < 0.6 * objects[:, None, :, 3] + 0.012
    return near & (anchor_m[..., 2] > LIFTED_OFF_TABLE_M).unsqueeze(-1) & (known > 0.3).unsqueeze(-1)


def _match_loss(logits: Tensor, matched: Tensor) -> Tensor:
    """Binary cross entropy in which the few tokens that match count more."""
    return F.binary_cross_entropy_with_logits(logits.float(), matched.float(), torch.where(matched, 8.0, 1.0))


def _point_loss(guess: Tensor, truth: Tensor) -> Tensor:
    if len(guess) == 0:
        return guess.sum()
    return F.smooth_l1_loss(guess.float() / POINT_SCALE_M, truth / POINT_SCALE_M)
