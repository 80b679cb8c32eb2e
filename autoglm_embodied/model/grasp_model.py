"""The whole model on one page: encode, ground, gate, fuse, act."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import JOINTS, ArmEncoder, ForceEncoder, FrameEncoder, TargetEncoder, WordEncoder
from autoglm_embodied.model.fusion import Action, ActionHead, FusionTransformer, ModalityGate
from autoglm_embodied.model.grounding import Grounded, Grounding
from autoglm_embodied.model.inputs import ModelInput
from autoglm_embodied.types import MODALITIES

VISION, FORCE, JOINT, LANGUAGE = range(len(MODALITIES))


class GraspOutput(NamedTuple):
    """What one pass gives."""

    action: Action
    grounded: Grounded
    gate: Tensor  # (B, M)
    latent: Tensor  # (B, D)


class GraspModel(PreTrainedModel):
    """Multimodal grasping policy. `encode` is the slow path (once a frame), `forward` the fast one (every tick)."""

    config_class = GraspConfig
    config: GraspConfig
    base_model_prefix = "grasp"

    def __init__(self, config: GraspConfig) -> None:
        super().__init__(config)
        width, heads = config.width, config.heads
        self.frames = FrameEncoder(config.stem, width)
        self.words = WordEncoder(len(config.words), config.max_words, width, heads)
        self.grounding = Grounding(width, heads, config.queries)
        self.force = ForceEncoder(config.force_scales, config.raw_samples, config.raw_tokens, width)
        self.arm = ArmEncoder(width)
        self.target = TargetEncoder(width)
        self.kind = nn.Parameter(0.02 * torch.randn(len(MODALITIES), width))
        self.age = nn.Linear(1, width)
        self.gate = ModalityGate(width, len(MODALITIES))
        self.fusion = FusionTransformer(width, config.layers, heads)
        self.head = ActionHead(width, config.chunk)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep what each layer's own constructor set."""

    def encode(self, image: Tensor) -> Tensor:
        """Visual tokens (B, N, D + 4) of images (B, 7, h, w)."""
        tokens: Tensor = self.frames(image)
        return tokens

    def ground(self, visual: Tensor, words: Tensor) -> tuple[Grounded, Tensor]:
        """Find the named object in the tokens (B, N, D + 4); also the summary of the words (B, D)."""
        _, language = self.words(words)
        return self.grounding(visual, language), language

    def forward(self, batch: ModelInput) -> GraspOutput:
        """One tick."""
        grounded, language = self.ground(batch.visual, batch.words)
        return self.act(batch, grounded, language)

    def act(self, batch: ModelInput, grounded: Grounded, language: Tensor) -> GraspOutput:
        """Fuse what was grounded with force and arm, gate the modalities and act."""
        senses = [grounded.latents, self.force(batch.pyramid, batch.raw), self.arm(batch.arm, batch.gripper)]
        senses.append(language.unsqueeze(1))
        ages = self.age(batch.ages_s.clamp(max=10.0).log1p().unsqueeze(-1))  # (B, M, D)
        senses = [tokens + self.kind[m] + ages[:, m : m + 1] for m, tokens in enumerate(senses)]
        gate = self.gate(torch.stack([tokens.mean(1) for tokens in senses], dim=1), batch.present)
        weighted = [tokens * gate[:, m, None, None] * len(senses) for m, tokens in enumerate(senses)]
        present = [batch.present[:, m : m + 1].expand(-1, tokens.shape[1]) for m, tokens in enumerate(senses)]
        # Where the target is from the tool is known only if both camera and joints are there.
        tool_m = batch.arm[:, 2 * JOINTS : 2 * JOINTS + 3]
        weighted.append(self.target(grounded.target_m, grounded.spread_m, tool_m))
        present.append((batch.present[:, VISION] & batch.present[:, JOINT]).unsqueeze(1))
        latent = self.fusion(torch.cat(weighted, dim=1), torch.cat(present, dim=1))
        return GraspOutput(self.head(latent), grounded, gate, latent)
