"""A frame encoded once: a small convolutional stem that keeps where each token lies."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autoglm_embodied.model.picture import CHANNELS

WORKSPACE_CENTRE_M = (0.5, 0.0, 0.05)
WORKSPACE_SCALE_M = 0.3
PATCH = 3  # pixels on a side of what the first layer sees at once
TOKEN_STRIDE = 12  # pixels from one token to the next


class Residual(nn.Module):
    """Two 3x3 convolutions around which the signal passes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.GELU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        return F.gelu(x + self.layers(x))


class FrameEncoder(nn.Module):
    """Picture to visual tokens, each followed by its place in the base frame."""

    def __init__(self, stem: tuple[int, int, int], width: int) -> None:
        super().__init__()
        patches, parts, tokens = stem
        self.stem = nn.Sequential(
            nn.Conv2d(CHANNELS, patches, PATCH, stride=PATCH, bias=False),
            nn.BatchNorm2d(patches),
            nn.GELU(),
            nn.Conv2d(patches, parts, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(parts),
            nn.GELU(),
            nn.Conv2d(parts, tokens, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(tokens),
            nn.GELU(),
            Residual(tokens),
        )
        self.project = nn.Conv2d(tokens, width, 1)
        self.centre: Tensor
        self.register_buffer("centre", torch.tensor(WORKSPACE_CENTRE_M).view(1, 3, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """Visual tokens (B, N, D + 4) from pictures (B, 7, h, w): features, place [m], known fraction."""
        place, known = picture[:, 3:6], picture[:, 6:]
        centred = (place - self.centre) / WORKSPACE_SCALE_M * known
        features = self.project(self.stem(torch.cat([picture[:, :3], centred, known], dim=1)))  # (B, D, h', w')
        fraction = F.avg_pool2d(known, TOKEN_STRIDE)
        anchor = F.avg_pool2d(place * known, TOKEN_STRIDE) / fraction.clamp(min=1e-3)
        return torch.cat([features.float(), anchor, fraction], dim=1).flatten(2).transpose(1, 2)
