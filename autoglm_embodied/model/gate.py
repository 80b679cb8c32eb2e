"""How much each modality counts at this instant; one that is absent counts nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ModalityGate(nn.Module):
    """Softmax over the modalities present, from a summary of each."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.modalities = modalities
        self.score = nn.Sequential(nn.Linear(modalities * (width + 1), width), nn.GELU(), nn.Linear(width, modalities))

    def forward(self, summaries: Tensor, present: Tensor) -> Tensor:
        """Weights (B, M) that sum to 1 over those present, from summaries (B, M, D) and present (B, M) bool."""
        masked = summaries * present.unsqueeze(-1)
        logits = self.score(torch.cat([masked, present.unsqueeze(-1).to(masked.dtype)], dim=-1).flatten(1))
        return torch.softmax(logits.masked_fill(~present, -1e4), dim=-1) * present
