"""From the shared latent to the next H actions and the phase."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from autoglm_embodied.types import Phase


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
