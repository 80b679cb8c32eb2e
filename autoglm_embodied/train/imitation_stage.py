"""The imitation stage: act like the expert on what was grounded. Encoders of image and words are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from autoglm_embodied.data.schemas import FOUND, GROUNDED, KEPT
from autoglm_embodied.data.shards import (
    Arrays,
    Indices,
    Read,
    Shard,
    joined,
    read_arrays,
    shard_path,
    take,
    write_shard,
)
from autoglm_embodied.model.grasp_model import Action, GraspModel, GraspOutput
from autoglm_embodied.model.grounding import Grounded
from autoglm_embodied.model.inputs import FORCE, JOINT, LANGUAGE, VISION, ModelInput
from autoglm_embodied.train.batches import everything, images, target_words
from autoglm_embodied.train.sources import Survey

GROUND_AGAIN_EPOCHS = 8
LEAST_DEVIATION = 1e-3  # [N, N·m] of the wrench
CHUNK = 256  # samples grounded at once


class ImitationStage:
    """Optimises force, arm, gate, fusion and heads on the demonstrations, with modalities dropped at random.

    Its samples hold what was grounded in place of image and words.

    Args:
        model: whose grounding is trained.
        samples: as they were collected.
        folder: keeps what was grounded in them.
        survey: of the samples.
        drop: (M,) how often each modality is dropped, in the order of MODALITIES.
    """

    name = "imitation"
    training = False  # no module here behaves differently in training; the encoder's batch statistics stay
    share_aside, most_aside = 0.04, 1000  # to validate on; held in memory, of all shards together

    def __init__(
        self, model: GraspModel, samples: Sequence[Read], folder: Path, survey: Survey, drop: Sequence[float]
    ) -> None:
        self.model = model
        self.shards: Sequence[Read] = []  # once an epoch has begun
        frozen = {id(p) for part in (model.frames, model.words, model.grounding) for p in part.parameters()}
        self.parameters = [p for p in model.parameters() if id(p) not in frozen]
        self._samples, self._folder, self._drop = samples, folder, np.asarray(drop)
        self._block = -1  # of epochs that share what was grounded
        # The spread of the wrench goes into the model, so that a checkpoint normalises by itself.
        model.force.pyramid_scale.copy_(torch.from_numpy(survey.pyramid_std + LEAST_DEVIATION))
        model.force.raw_scale.copy_(torch.from_numpy(survey.raw_std + LEAST_DEVIATION))

    def begin_epoch(self, epoch: int, seed: int) -> None:
        """Ground the targets with other sentences now and then."""
        block = epoch // GROUND_AGAIN_EPOCHS
        if block != self._block:
            self.model.eval()
            self.shards = write_grounded(self._folder, self.model, self._samples, (seed, block))
            self._block = block

    def select(self, arrays: Arrays) -> Indices:
        """All."""
        return np.arange(len(arrays["phase"]))

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `imitation_loss`; without image, joints or words the arm must hold still and keep its grip."""
        device = self.model.device
        present = dropped(len(rows["phase"]), self._drop, rng).to(device)
        batch = replace(self._batch(rows), present=present)
        twist, opened, phase = self._labels(rows)
        lost = ~present[:, [VISION, JOINT, LANGUAGE]].all(1)
        twist[lost] = 0
        opened[lost] = (batch.gripper[lost, :1] > self.model.config.max_width_m / 2).float()
        return imitation_loss(self._act(batch, rows).action, twist, opened, phase, self.model.config.max_speed_m_s)

    @torch.inference_mode()
    def validate(self, rows: Arrays, rng: np.random.Generator) -> dict[str, float]:
        """Error of the first twist [mm/s], and how often grip and phase are right; also with force masked."""
        batch = self._batch(rows)
        twist, opened, phase = self._labels(rows)
        action = self._act(batch, rows).action
        speed = action.twist[:, 0, :3] * self.model.config.max_speed_m_s
        batch.present[:, FORCE] = False
        numb = self._act(batch, rows).action
        return {
            "twist_mm_s": float((speed - twist[:, 0, :3]).norm(dim=1).mean() * 1000),
            "grip": float(((action.open_logits[:, 0] > 0) == (opened[:, 0] > 0.5)).float().mean()),
            "phase": float((action.phase_logits.argmax(1) == phase).float().mean()),
            "phase_without_force": float((numb.phase_logits.argmax(1) == phase).float().mean()),
        }

    def _act(self, batch: ModelInput, rows: Arrays) -> GraspOutput:
        return self.model.act(batch, *grounded_of(rows, batch.present))

    def _batch(self, rows: Arrays) -> ModelInput:
        nothing = torch.empty(len(rows["phase"]), 0)  # image and words: what was grounded stands for them
        read = {name: torch.from_numpy(rows[name]) for name in ("pyramid", "raw", "arm", "gripper", "ages_s")}
        present = everything(len(rows["phase"]), self.model.device)
        return ModelInput(visual=nothing, words=nothing, present=present, **read).to(self.model.device)

    def _labels(self, rows: Arrays) -> tuple[Tensor, Tensor, Tensor]:
        twist, opened, phase = (torch.from_numpy(rows[name].copy()) for name in ("twist", "opened", "phase"))
        device = self.model.device
        return twist.to(device), opened.to(device), phase.to(device)


def dropped(samples: int, rates: np.ndarray, rng: np.random.Generator) -> Tensor:
    """(B, M) bool: which modalities of B samples are left when each is dropped at its rate (M,), 0 to 1."""
    return torch.from_numpy(rng.random((samples, len(rates))) >= rates)


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


def write_grounded(folder: Path, model: GraspModel, shards: Sequence[Read], seeds: tuple[int, ...]) -> list[Read]:
    """Ground the demonstrated rows of all shards anew, and say how to read what was found.

    Args:
        folder: holds a file for each of the shards.
        model: whose encoders and grounding are used, in inference mode.
        shards: of samples.
        seeds: from which the sentences follow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Read] = []
    for number, read in enumerate(shards):
        arrays = read()
        rows = np.flatnonzero(arrays["target"] >= 0)
        if len(rows):
            path, rng = shard_path(folder, GROUNDED.kind, number), np.random.default_rng([*seeds, number])
            parts = np.array_split(rows, -(-len(rows) // CHUNK))
            write_shard(path, GROUNDED, Shard(joined([_grounded(model, take(arrays, part), rng) for part in parts])))
            written.append(partial(read_arrays, path, GROUNDED))
    return written


@torch.no_grad()
def _grounded(model: GraspModel, rows: Arrays, rng: np.random.Generator) -> Arrays:
    device = model.device
    visual = model.encode(images(rows).to(device))
    words, present = target_words(rows, model.config, rng).to(device), everything(len(visual), device)
    named, language = model.ground(visual, words, present)
    present[:, LANGUAGE] = False
    unnamed, _ = model.ground(visual, words, present)
    found = {"latents": named.latents, "latents_unnamed": unnamed.latents, "language": language}
    found |= {"target_m": named.target_m, "spread_m": named.spread_m}
    return {name: rows[name] for name in KEPT} | {name: value.cpu().numpy() for name, value in found.items()}


def grounded_of(rows: Arrays, present: Tensor) -> tuple[Grounded, Tensor]:
    """What `GraspModel.act` needs of the grounding, and the summary of the words (B, D).

    Args:
        rows: B samples of GROUNDED.
        present: (B, M) bool; without words, latents are those that were read without them.
    """
    found = {name: torch.from_numpy(rows[name]).to(present.device) for name in FOUND}
    latents = torch.where(present[:, LANGUAGE, None, None], found["latents"], found["latents_unnamed"])
    nothing = torch.empty(len(present), 0, device=present.device)  # matches and votes are not used to act
    return Grounded(latents, nothing, nothing, found["target_m"], found["spread_m"], nothing), found["language"]
