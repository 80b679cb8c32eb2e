"""The arm's own state as tokens, and the target seen from the tool."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FINE_M = (0.3, 0.03, 0.008)
"""Scales at which a distance is shown: the reach, the funnel, the grasp."""

JOINTS = 7
ARM_FEATURES = 2 * JOINTS + 9  # joint positions and velocities, tool position, two axes of the tool
GRIPPER_FEATURES = 6


def at_scales(value: Tensor, scales: tuple[float, ...]) -> Tensor:
    """(..., K * len(scales)): the value squashed at each scale, so that both metres and millimetres can be read."""
    return torch.cat([torch.tanh(value / scale) for scale in scales], dim=-1)


class ArmEncoder(nn.Module):
    """Arm and gripper to two tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.arm = nn.Linear(ARM_FEATURES, width)
        self.gripper = nn.Linear(GRIPPER_FEATURES + 3 * len(FINE_M), width)

    def forward(self, arm: Tensor, gripper: Tensor) -> Tensor:
        """Tokens (B, 2, D) from arm (B, 23) and gripper (B, 2): width [m], width velocity [m/s]."""
        width, velocity = gripper[:, :1], gripper[:, 1:]
        position = arm[:, 2 * JOINTS : 2 * JOINTS + 3]
        grip = torch.cat(
            [
                at_scales(width, (0.08, 0.02, 0.005)),
                at_scales(velocity, (0.2, 0.02, 0.005)),
                at_scales(position, FINE_M),
            ],
            dim=-1,
        )
        return torch.stack([self.arm(arm), self.gripper(grip)], dim=1)


class TargetEncoder(nn.Module):
    """The voted target relative to the tool, as one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        features = 3 * len(FINE_M) + 1 + len(FINE_M)
        self.layers = nn.Sequential(nn.Linear(features + 1, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, target_m: Tensor, spread_m: Tensor, tool_m: Tensor) -> Tensor:
        """Token (B, 1, D) from target (B, 3), spread (B,) and tool position (B, 3), base frame."""
        offset = target_m - tool_m
        distance = offset[:, :2].norm(dim=-1, keepdim=True)
        shown = torch.cat(
            [at_scales(offset, FINE_M), at_scales(distance, FINE_M), target_m[:, 2:] * 10, spread_m[:, None] * 10],
            dim=-1,
        )
        token: Tensor = self.layers(shown)
        return token.unsqueeze(1)
