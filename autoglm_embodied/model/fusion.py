"""How the senses are weighted, fused into the shared latent, and turned into actions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from autoglm_embodied.types import Phase


class ModalityGate(nn.Module):
    """Softmax over the modalities present, from a summary of each."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.modalities = modalities
        self.score = nn.Sequential(nn.Linear(modalities * (width + 1), width), nn.GELU(), nn.Linear(width, modalities))

    def forward(self, summaries: Tensor, present: Tensor) -> Tensor:
        """How much each modality counts.

        Args:
            summaries: (B, M, D).
            present: (B, M) bool.

        Returns:
            (B, M) that sums to 1 over those present and is exactly 0 for the others.
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
        """Fuse all tokens.

        Args:
            tokens: (B, T, D).
            present: (B, T) bool; what is not is a masked key in every layer.

        Returns:
            (B, D) the shared latent.
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
