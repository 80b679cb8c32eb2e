"""The wrench history as tokens: one for each scale of the pyramid, and the raw newest samples in short runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STATISTICS = 5 * 6  # mean, deviation, minimum, maximum, slope of six components


class ForceEncoder(nn.Module):
    """Pyramid and raw wrench to tokens. The wrench is divided by `scale`, measured on the training data."""

    def __init__(self, scales: int, raw_samples: int, raw_tokens: int, width: int) -> None:
        super().__init__()
        self.raw_tokens = raw_tokens
        self.pyramid = nn.Linear(STATISTICS, width)
        self.raw = nn.Linear(raw_samples // raw_tokens * 6, width)
        self.position = nn.Parameter(0.02 * torch.randn(scales + raw_tokens, width))
        self.pyramid_scale: Tensor
        self.raw_scale: Tensor
        self.register_buffer("pyramid_scale", torch.ones(5, 6))
        self.register_buffer("raw_scale", torch.ones(6))

    def forward(self, pyramid: Tensor, raw: Tensor) -> Tensor:
        """Tokens (B, S + raw tokens, D) from pyramid (B, S, 5, 6) and raw (B, R, 6)."""
        slow = self.pyramid((pyramid / self.pyramid_scale).clamp(-10, 10).flatten(2))
        fast = self.raw((raw / self.raw_scale).clamp(-10, 10).reshape(len(raw), self.raw_tokens, -1))
        return torch.cat([slow, fast], dim=1) + self.position
