"""The losses of both stages."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from autoglm_embodied.model.fusion import Action
from autoglm_embodied.model.grounding import Grounded
from autoglm_embodied.train.batches import GroundingBatch
from autoglm_embodied.types import Referent

LIFTED_OFF_TABLE_M = 0.004
POINT_SCALE_M = 0.02


def on_object(anchor_m: Tensor, known: Tensor, objects: Tensor) -> Tensor:
    """Which object each token lies on.

    Args:
        anchor_m: (B, N, 3) where each token looks, base frame.
        known: (B, N) fraction of its pixels whose depth is known.
        objects: (B, T, 4) centre and size [m]; NaN where there is none.

    Returns:
        (B, N, T) bool.
    """
    distance = (anchor_m.unsqueeze(2) - objects[:, None, :, :3]).norm(dim=-1)  # NaN where there is no object
    near: Tensor = distance < 0.6 * objects[:, None, :, 3] + 0.012
    return near & (anchor_m[..., 2] > LIFTED_OFF_TABLE_M).unsqueeze(-1) & (known > 0.3).unsqueeze(-1)


def grounding_loss(visual: Tensor, grounded: Grounded, each_word: Tensor, batch: GroundingBatch) -> dict[str, Tensor]:
    """Match of each token, votes of tokens on objects, the voted target, and how many objects fit.

    Args:
        visual: (B, N, D + 4) tokens.
        grounded: what the model found.
        each_word: (B, N, V) match of each token with every word of the vocabulary.
        batch: what is there.
    """
    anchor, known = visual[..., -4:-1], visual[..., -1]
    on = on_object(anchor, known, batch.objects)  # (B, N, T)
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


def _match_loss(logits: Tensor, matched: Tensor) -> Tensor:
    """Binary cross entropy in which the few tokens that match count more."""
    return F.binary_cross_entropy_with_logits(logits.float(), matched.float(), torch.where(matched, 8.0, 1.0))


def _point_loss(guess: Tensor, truth: Tensor) -> Tensor:
    if len(guess) == 0:
        return guess.sum()
    return F.smooth_l1_loss(guess.float() / POINT_SCALE_M, truth / POINT_SCALE_M)


def imitation_loss(
    action: Action, twist: Tensor, opened: Tensor, phase: Tensor, max_speed_m_s: float
) -> dict[str, Tensor]:
    """Imitation of the expert's chunk.

    Args:
        action: what the heads gave.
        twist: (B, H, 6) the expert's [m/s, rad/s].
        opened: (B, H) whether it opens the gripper.
        phase: (B,).
        max_speed_m_s: the unit of the linear part.
    """
    scaled = torch.cat([twist[..., :3] / max_speed_m_s, twist[..., 3:]], dim=-1)
    return {
        "twist": F.smooth_l1_loss(action.twist.float(), scaled, beta=0.05),
        "grip": F.binary_cross_entropy_with_logits(action.open_logits.float(), opened),
        "phase": F.cross_entropy(action.phase_logits.float(), phase),
    }
