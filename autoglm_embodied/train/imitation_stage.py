"""The second lesson: act like the expert on what was found. The eyes and words are kept as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.grounding import Grounded
from autoglm_embodied.model.inputs import FORCE, VISION, ModelInput
from autoglm_embodied.train.batches import Indices, images, target_words
from autoglm_embodied.train.losses import imitation_loss
from autoglm_embodied.train.stage import parameters_of
from autoglm_embodied.types import MODALITIES

FORGET_VISION, FORGET_FORCE = 0.04, 0.10
FIND_ANEW_EPOCHS = 8
CHUNK = 256  # samples encoded at once


@dataclass(frozen=True)
class Found:
    """What the frozen part found in every sample."""

    grounded: Grounded
    language: Tensor  # (n, D)

    def at(self, rows: Tensor) -> tuple[Grounded, Tensor]:
        """Those of some rows."""
        return Grounded(*(field[rows] for field in self.grounded)), self.language[rows]


class ImitationStage:
    """Teaches force, arm, gate, fusion and heads on the demonstrations, with senses lost at random."""

    name = "acting"

    def __init__(self, model: GraspModel, arrays: Arrays) -> None:
        self.model = model
        self.samples: Indices = np.flatnonzero(arrays["target"] >= 0)
        if not len(self.samples):
            raise ConfigError("the data hold no demonstration; collect some with autoglm collect --episodes N")
        self._arrays = arrays
        self._row = np.zeros(len(arrays["target"]), np.int64)
        self._row[self.samples] = np.arange(len(self.samples))
        frozen = {id(p) for p in parameters_of([model.frames, model.words, model.grounding])}
        self._taught = [parameter for parameter in model.parameters() if id(parameter) not in frozen]
        self._found: Found | None = None
        self._measure_force()

    def parameters(self) -> list[nn.Parameter]:
        """All but those of the first lesson."""
        return self._taught

    def train_mode(self) -> None:
        """No module here behaves differently in training; the encoder's batch statistics stay."""
        self.model.eval()

    def begin_epoch(self, epoch: int, rng: np.random.Generator) -> None:
        """Find the targets with other sentences now and then: what is found is cached."""
        if self._found is None or epoch % FIND_ANEW_EPOCHS == 0:
            self._found = self._find(rng)

    def losses(self, indices: Indices, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `acting_loss`; without sight the arm must hold still and keep its grip."""
        batch = self._batch(indices)
        present = torch.from_numpy(rng.random((len(indices), len(MODALITIES))))
        present = present > torch.tensor([FORGET_VISION, FORGET_FORCE, 0.0, 0.0])
        batch = ModelInput(**{**vars(batch), "present": present})
        twist, opened, phase = self._labels(indices)
        blind = ~present[:, VISION]
        twist[blind] = 0
        opened[blind] = (batch.gripper[blind, :1] > self.model.config.max_width_m / 2).float()
        return imitation_loss(self._act(batch, indices).action, twist, opened, phase, self.model.config.max_speed_m_s)

    @torch.inference_mode()
    def validate(self, indices: Indices, rng: np.random.Generator) -> dict[str, float]:
        """Error of the first twist [mm/s], and how often grip and phase are right; also with force masked."""
        batch = self._batch(indices)
        twist, opened, phase = self._labels(indices)
        action = self._act(batch, indices).action
        speed = action.twist[:, 0, :3] * self.model.config.max_speed_m_s
        batch.present[:, FORCE] = False
        numb = self._act(batch, indices).action
        return {
            "twist_mm_s": float((speed - twist[:, 0, :3]).norm(dim=1).mean() * 1000),
            "grip": float(((action.open_logits[:, 0] > 0) == (opened[:, 0] > 0.5)).float().mean()),
            "phase": float((action.phase_logits.argmax(1) == phase).float().mean()),
            "phase_without_force": float((numb.phase_logits.argmax(1) == phase).float().mean()),
        }

    def _act(self, batch: ModelInput, indices: Indices) -> GraspOutput:
        if self._found is None:
            self._found = self._find(np.random.default_rng(0))
        grounded, language = self._found.at(torch.from_numpy(self._row[indices]))
        return self.model.act(batch, grounded, language)

    @torch.no_grad()
    def _find(self, rng: np.random.Generator) -> Found:
        self.model.eval()
        parts, languages = [], []
        for start in range(0, len(self.samples), CHUNK):
            indices = self.samples[start : start + CHUNK]
            words = target_words(self._arrays, indices, self.model.config, rng)
            grounded, language = self.model.ground(
                self.model.encode(images(self._arrays, indices)),
                words,
                torch.ones(len(indices), len(MODALITIES), dtype=torch.bool),
            )
            nothing = torch.empty(len(indices), 0)  # matches and votes of single tokens are not used to act
            parts.append(grounded._replace(match_logits=nothing, votes_m=nothing))
            languages.append(language)
        return Found(Grounded(*(torch.cat(column) for column in zip(*parts, strict=True))), torch.cat(languages))

    def _batch(self, indices: Indices) -> ModelInput:
        def tensor(name: str) -> Tensor:
            return torch.from_numpy(self._arrays[name][indices])

        nothing = torch.empty(len(indices), 0)
        present = torch.ones(len(indices), len(MODALITIES), dtype=torch.bool)
        return ModelInput(
            nothing,
            tensor("pyramid"),
            tensor("raw"),
            tensor("arm"),
            tensor("gripper"),
            nothing,
            tensor("ages_s"),
            present,
        )

    def _labels(self, indices: Indices) -> tuple[Tensor, Tensor, Tensor]:
        twist, opened, phase = (torch.from_numpy(self._arrays[name][indices]) for name in ("twist", "opened", "phase"))
        return twist, opened, phase

    def _measure_force(self) -> None:
        """Put the spread of the wrench into the model, so that the checkpoint normalises by itself."""
        pyramid, raw = self._arrays["pyramid"][self.samples], self._arrays["raw"][self.samples]
        self.model.force.pyramid_scale.copy_(torch.from_numpy(pyramid.std(axis=(0, 1)) + 1e-3))
        self.model.force.raw_scale.copy_(torch.from_numpy(raw.std(axis=(0, 1)) + 1e-3))
