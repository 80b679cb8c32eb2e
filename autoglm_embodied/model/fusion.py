"""The fusion transformer: tokens of all senses and one learnable query that becomes the shared latent."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        """Shared latent (B, D) from tokens (B, T, D) and present (B, T) bool."""
        x = torch.cat([self.query.expand(len(tokens), -1, -1), tokens], dim=1)
        masked = torch.cat([torch.zeros_like(present[:, :1]), ~present], dim=1)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=masked)
        latent: Tensor = self.norm(x[:, 0])
        return latent
