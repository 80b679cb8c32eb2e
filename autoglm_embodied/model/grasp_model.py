"""The whole model on one page: encode, ground, gate, fuse, act."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import TOOL_POSITION, UNKNOWN, Encoders, TargetEncoder
from autoglm_embodied.model.fusion import Action, ActionHead, FusionTransformer, ModalityGate
from autoglm_embodied.model.grounding import Grounded, Grounding
from autoglm_embodied.model.inputs import JOINT, LANGUAGE, VISION, ModelInput
from autoglm_embodied.types import MODALITIES


class GraspOutput(NamedTuple):
    """What one pass gives."""

    action: Action
    grounded: Grounded
    gate: Tensor  # (B, M)
    latent: Tensor  # (B, D)


class GraspModel(PreTrainedModel):
    """Multimodal grasping policy. `encode` is the slow path (once a frame), `forward` the fast one (every tick).

    Where a modality is absent its values are replaced by constants before anything reads them, and its tokens are
    masked in every attention layer that others read from: what they held changes no bit of any output.

    Args:
        config: sizes.
        encoders: of the modalities, of the configuration's sizes.
    """

    config_class = GraspConfig
    config: GraspConfig
    base_model_prefix = "grasp"

    def __init__(self, config: GraspConfig, encoders: Encoders) -> None:
        super().__init__(config)
        width = config.width
        self.frames, self.words = encoders.frames, encoders.words
        self.grounding = Grounding(width, config.heads, config.queries)
        self.force, self.arm = encoders.force, encoders.arm
        self.target = TargetEncoder(width)
        self.kind = nn.Parameter(0.02 * torch.randn(len(MODALITIES), width))
        self.age = nn.Linear(1, width)
        self.gate = ModalityGate(width, len(MODALITIES))
        self.fusion = FusionTransformer(width, config.layers, config.heads)
        self.head = ActionHead(width, config.chunk)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep what each layer's own constructor set."""

    def encode(self, image: Tensor) -> Tensor:
        """Visual tokens (B, N, D + 4) of images (B, 7, h, w)."""
        tokens: Tensor = self.frames(image)
        return tokens

    def ground(self, visual: Tensor, words: Tensor, present: Tensor) -> tuple[Grounded, Tensor]:
        """Find the named object in an image; without image or words there is none (see `Grounded`).

        Args:
            visual: (B, N, D + 4) tokens of `encode`.
            words: (B, L) ids.
            present: (B, M) bool, in the order of MODALITIES.

        Returns:
            What was found, and the summary of the words (B, D), 0 without them.
        """
        sees, hears = present[:, VISION], present[:, LANGUAGE]
        visual = torch.where(sees[:, None, None], visual, 0.0)  # unlike masked_fill, it keeps the layout in memory
        words = words.masked_fill(~hears[:, None], UNKNOWN)
        language = self.words(words)[1].masked_fill(~hears[:, None], 0.0)
        return self.grounding(visual, language, sees & hears), language

    def forward(self, batch: ModelInput) -> GraspOutput:
        """One tick."""
        grounded, language = self.ground(batch.visual, batch.words, batch.present)
        return self.act(batch, grounded, language)

    def act(self, batch: ModelInput, grounded: Grounded, language: Tensor) -> GraspOutput:
        """Fuse what was grounded with force and arm, gate the modalities and act.

        Args:
            batch: force, arm, ages and which modalities are present; image and words are not read.
            grounded: from `ground`, of the same presence of image and words.
            language: (B, D) from `ground`.
        """
        batch = batch.masked()
        modalities = [grounded.latents, self.force(batch.pyramid, batch.raw), self.arm(batch.arm, batch.gripper)]
        modalities.append(language.unsqueeze(1))
        ages = self.age(batch.ages_s.clamp(max=10.0).log1p().unsqueeze(-1))  # (B, M, D)
        modalities = [tokens + self.kind[m] + ages[:, m : m + 1] for m, tokens in enumerate(modalities)]
        gate = self.gate(torch.stack([tokens.mean(1) for tokens in modalities], dim=1), batch.present)
        weighted = [tokens * gate[:, m, None, None] * len(modalities) for m, tokens in enumerate(modalities)]
        present = [batch.present[:, m : m + 1].expand(-1, tokens.shape[1]) for m, tokens in enumerate(modalities)]
        weighted.append(self.target(grounded.target_m, grounded.spread_m, batch.arm[:, TOOL_POSITION]))
        # Where the target is from the tool is known only if camera, joints and words are there.
        present.append(batch.present[:, [VISION, JOINT, LANGUAGE]].all(1, keepdim=True))
        latent = self.fusion(torch.cat(weighted, dim=1), torch.cat(present, dim=1))
        return GraspOutput(self.head(latent), grounded, gate, latent)
