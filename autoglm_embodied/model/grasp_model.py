"""The whole model on one page: encode, ground, gate, fuse, act."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import TOOL_POSITION, UNKNOWN, Encoders, TargetEncoder
from autoglm_embodied.model.grounding import Grounded, Grounding
from autoglm_embodied.model.inputs import JOINT, LANGUAGE, VISION, ModelInput
from autoglm_embodied.types import MODALITIES, Phase


class ModalityGate(nn.Module):
    """Softmax over the modalities present, from a summary of each."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.modalities = modalities
        self.score = nn.Sequential(nn.Linear(modalities * (width + 1), width), nn.GELU(), nn.Linear(width, modalities))

    def forward(self, summaries: Tensor, present: Tensor) -> Tensor:
        """How much each modality counts, (B, M): the sum over those present is 1, the others are exactly 0.

        Args:
            summaries: (B, M, D).
            present: (B, M) bool.
        """
        masked = summaries * present.unsqueeze(-1)
        logits = self.score(torch.cat([masked, present.unsqueeze(-1).to(masked.dtype)], dim=-1).flatten(1))
        return torch.softmax(logits.masked_fill(~present, -1e4), dim=-1) * present


class FusionTransformer(nn.Module):
    """Pre-norm encoder; tokens of absent modalities are masked from every attention layer."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.query = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse all tokens to the shared latent (B, D).

        Args:
            tokens: (B, T, D).
            present: (B, T) bool; what is not is a masked key in every layer.
        """
        x = torch.cat([self.query.expand(len(tokens), -1, -1), tokens], dim=1)
        masked = torch.cat([torch.zeros_like(present[:, :1]), ~present], dim=1)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=masked)
        latent: Tensor = self.norm(x[:, 0])
        return latent


class Action(NamedTuple):
    """Raw outputs of the heads."""

    twist: Tensor  # (B, H, 6) in units of the largest speed (linear) and rad/s (angular), base frame
    open_logits: Tensor  # (B, H) gripper open rather than closed
    phase_logits: Tensor  # (B, 6)


class ActionHead(nn.Module):
    """One hidden layer for each kind of output."""

    def __init__(self, width: int, chunk: int) -> None:
        super().__init__()
        self.chunk = chunk
        self.twist = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, 6 * chunk))
        self.grip = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, chunk))
        self.phase = nn.Linear(width, len(Phase))

    def forward(self, latent: Tensor) -> Action:
        """Actions from the shared latent (B, D)."""
        return Action(self.twist(latent).unflatten(1, (self.chunk, 6)), self.grip(latent), self.phase(latent))


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
        """Find the named object in an image (see `Grounded`), and sum up the words (B, D), as 0 where there are none.

        Args:
            visual: (B, N, D + 4) tokens of `encode`.
            words: (B, L) ids.
            present: (B, M) bool, in the order of MODALITIES.
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
