"""The outcome stage: the scorer learns from grasps that were tried what comes of them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional as F

from autoglm_embodied.data.schemas import CROP_PIXEL_M, CROP_PIXELS
from autoglm_embodied.data.shards import Arrays, Indices
from autoglm_embodied.model.grasp_scorer import GraspScorer, GraspView, Predicted
from autoglm_embodied.train.shard_stage import ShardStage
from autoglm_embodied.types import FloatArray, TryOutcome

JITTER_M = 0.0015  # of the offset: hypotheses are a few millimetres apart
HIDDEN_JITTER = 0.1  # of mass and friction, as a share
CHUNK = 512  # samples validated at once
PLAUSIBLE = 0.15  # probability above which a grasp might be chosen
BINS = 10  # of the calibration
X, Y, Z, YAW, OPENING = range(5)  # of a grasp


class OutcomeStage(ShardStage[GraspScorer]):
    """Learns the outcome of grasps, where contact was, and the width of what was closed on.

    Each crop is moved to where things really are, and mass and friction are told: what is hidden is a question.
    """

    name = "outcome"
    share_aside, most_aside = 0.1, 4000  # to validate on, in whole scenes

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """Of crops that are moved, and mirrored at random: hand and gravity are the same in a mirror."""
        noise, count = rng.standard_normal((len(rows["seed"]), 4)), len(rows["seed"])
        view = grasp_view(rows, rows["hand_eye_m"][:, :2] + JITTER_M * noise[:, :2])
        return outcome_loss(
            self._predicted(
                _mirrored(view, rng.random((count, 2)) < 0.5), _hidden(rows) * (1 + HIDDEN_JITTER * noise[:, 2:])
            ),
            rows,
        )

    @torch.inference_mode()
    def validate(self, rows: Arrays, rng: np.random.Generator) -> dict[str, float]:
        """How well grasps that hold the target are told, and how far the probabilities are to be believed.

        `auc_unknown` is with no offset, and mass and friction in the middle, as before anything was felt.
        """
        self.model.eval()
        held, middle = rows["held_target"], np.median(_hidden(rows), axis=0)
        told = self._held(rows, rows["hand_eye_m"][:, :2], _hidden(rows))
        nothing = np.zeros((len(held), 2))
        unknown = self._held(rows, nothing, np.broadcast_to(middle, (len(held), 2)))
        plausible = unknown > PLAUSIBLE
        return {
            "auc": area_under_curve(told, held),
            "auc_unknown": area_under_curve(unknown, held),
            "auc_plausible": area_under_curve(told[plausible], held[plausible]),
            "auc_plausible_unknown": area_under_curve(unknown[plausible], held[plausible]),
            "log_loss": float(-np.log(np.where(held, told, 1 - told).clip(1e-6)).mean()),
            "calibration": calibration_error(told, held),
        }

    def _held(self, rows: Arrays, offset_m: FloatArray, hidden: FloatArray) -> FloatArray:
        """(n,) probability that the target is held, if this is what is hidden."""
        found = []
        for start in range(0, len(hidden), CHUNK):
            part = slice(start, start + CHUNK)
            view = grasp_view({name: values[part] for name, values in rows.items()}, offset_m[part])
            logits = self._predicted(view, hidden[part]).logits.float()
            found.append(logits.softmax(-1)[:, TryOutcome.TARGET.value])
        return np.asarray(torch.cat(found).cpu().numpy(), dtype=float) if found else np.zeros(0)

    def _predicted(self, view: GraspView, hidden: FloatArray) -> Predicted:
        device = self.model.device
        told = torch.from_numpy(hidden.astype(np.float32)).to(device)
        predicted: Predicted = self.model(GraspView(*(field.to(device) for field in view)), told)
        return predicted


def grasp_view(rows: Arrays, offset_m: FloatArray) -> GraspView:
    """The crops of n outcomes as a camera would have shown them whose believed place is right.

    Args:
        rows: of OUTCOMES.
        offset_m: (n, 2) how far the camera is believed to be from where it is, x and y.
    """
    cos, sin = np.cos(rows["grasp"][:, YAW]), np.sin(rows["grasp"][:, YAW])
    x, y = offset_m.T
    moved_m = np.stack([cos * y - sin * x, cos * x + sin * y])  # rows and columns, in the frame of the grasp
    axis, last = np.arange(CROP_PIXELS), CROP_PIXELS - 1
    row, column = np.clip(np.rint(moved_m / CROP_PIXEL_M).astype(int)[..., None] + axis, 0, last)  # (n, P) each
    each = np.arange(len(x))[:, None, None]
    crops = (rows[name][each, row[:, :, None], column[:, None, :]] for name in ("height_m", "target", "seen"))
    hand = np.column_stack([rows["grasp"][:, Z], rows["grasp"][:, OPENING], rows["grip_force_n"]])
    return GraspView(*(torch.from_numpy(values.astype(np.float32)) for values in (*crops, hand)))


def outcome_loss(predicted: Predicted, rows: Arrays) -> dict[str, Tensor]:
    """Cross entropy of the outcome; error of contact and width where there were any.

    The outcomes are not weighted by how rare they are: their probabilities are multiplied with others later.
    """
    device = predicted.logits.device
    classes = torch.from_numpy(outcome_of(rows)).to(device)
    contact_m = rows["contact_tip_m"] - rows["grasp"][:, Z]
    contact_m[~rows["collided"]] = np.nan
    units = {"contact": (predicted.contact_m, contact_m, 0.05), "width": (predicted.width_m, rows["width_m"], 0.08)}
    losses = {"outcome": F.cross_entropy(predicted.logits.float(), classes)}
    for name, (guess, felt, unit) in units.items():
        known = np.flatnonzero(np.isfinite(felt))
        truth = torch.from_numpy(felt[known].astype(np.float32)).to(device) / unit
        difference = F.smooth_l1_loss(guess[torch.from_numpy(known).to(device)].float() / unit, truth, reduction="sum")
        losses[name] = 0.5 * difference / max(1, len(known))
    return losses


def outcome_of(rows: Arrays) -> Indices:
    """(n,) value of the TryOutcome of each row."""
    lifted = np.where(rows["held_any"], TryOutcome.ANOTHER.value, TryOutcome.NOTHING.value)
    ended = np.where(rows["held_target"], TryOutcome.TARGET.value, lifted)
    return np.where(rows["collided"], TryOutcome.COLLIDED.value, ended).astype(np.int64)


def area_under_curve(score: FloatArray, truth: NDArray[np.bool_]) -> float:
    """Probability that a true one has the higher score than a false one; NaN where all are alike (Hanley, 1982)."""
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(score)  # equal scores share theirs
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def calibration_error(probability: FloatArray, truth: NDArray[np.bool_]) -> float:
    """Expected calibration error over BINS equal bins (Guo et al., ICML 2017)."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [abs(float((probability - truth)[place == each].sum())) for each in range(BINS)]
    return sum(gaps) / max(1, len(probability))


def _hidden(rows: Arrays) -> FloatArray:
    return np.column_stack([rows["mass_kg"], rows["friction"]]).astype(float)


def _mirrored(view: GraspView, mirror: NDArray[np.bool_]) -> GraspView:
    """Crops mirrored along and across the closing direction, where `mirror` (n, 2) says so."""
    for axis in (1, 2):
        here = torch.from_numpy(mirror[:, axis - 1])[:, None, None]
        height_m, target, seen = (torch.where(here, crop.flip(axis), crop) for crop in view[:3])
        view = GraspView(height_m, target, seen, view.hand)
    return view
