"""The imitation stage: act like the expert on what was grounded. Encoders of image and words are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.data.stream import Indices, Read
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.inputs import FORCE, JOINT, LANGUAGE, VISION, ModelInput
from autoglm_embodied.train.batches import everything
from autoglm_embodied.train.grounded_shards import GroundedShards, grounded_of
from autoglm_embodied.train.losses import imitation_loss
from autoglm_embodied.train.sources import Survey
from autoglm_embodied.train.stage import parameters_of

GROUND_AGAIN_EPOCHS = 8
LEAST_DEVIATION = 1e-3  # [N, N·m] of the wrench


class ImitationStage:
    """Optimises force, arm, gate, fusion and heads on the demonstrations, with modalities dropped at random.

    Args:
        model: whose grounding is trained.
        shards: samples.
        found: keeps what was grounded in them.
        survey: of the samples.
        drop: (M,) how often each modality is dropped, in the order of MODALITIES.
    """

    name = "imitation"

    def __init__(
        self, model: GraspModel, shards: Sequence[Read], found: GroundedShards, survey: Survey, drop: Sequence[float]
    ) -> None:
        self.model = model
        self._samples, self._found, self._drop = shards, found, np.asarray(drop)
        self._grounded: list[Read] = []
        self._block = -1  # of epochs that share what was grounded
        frozen = {id(p) for p in parameters_of([model.frames, model.words, model.grounding])}
        self._optimised = [parameter for parameter in model.parameters() if id(parameter) not in frozen]
        # The spread of the wrench goes into the model, so that a checkpoint normalises by itself.
        model.force.pyramid_scale.copy_(torch.from_numpy(survey.pyramid_std + LEAST_DEVIATION))
        model.force.raw_scale.copy_(torch.from_numpy(survey.raw_std + LEAST_DEVIATION))

    def parameters(self) -> list[nn.Parameter]:
        """All but those of the grounding stage."""
        return self._optimised

    def train_mode(self) -> None:
        """No module here behaves differently in training; the encoder's batch statistics stay."""
        self.model.eval()

    def begin_epoch(self, epoch: int, seed: int) -> None:
        """Ground the targets with other sentences now and then."""
        block = epoch // GROUND_AGAIN_EPOCHS
        if block != self._block:
            self.model.eval()
            self._grounded = self._found.write(self.model, self._samples, (seed, block))
            self._block = block

    def shards(self) -> Sequence[Read]:
        """Samples with what was grounded in place of the images."""
        return self._grounded

    def select(self, arrays: Arrays) -> Indices:
        """All."""
        return np.arange(len(arrays["phase"]))

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `imitation_loss`; without image, joints or words the arm must hold still and keep its grip.

        Args:
            rows: samples with what was grounded.
            rng: draws which modalities are dropped.
        """
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
        """Error of the first twist [mm/s], and how often grip and phase are right; also with force masked.

        Args:
            rows: samples with what was grounded.
            rng: not used.
        """
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
    """Which modalities are left when each is dropped at its rate.

    Args:
        samples: B.
        rates: (M,) in 0 to 1.
        rng: draws which.

    Returns:
        (B, M) bool.
    """
    return torch.from_numpy(rng.random((samples, len(rates))) >= rates)
