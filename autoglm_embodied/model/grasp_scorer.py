"""What will come of a grasp: a small convolutional network on what the camera shows around it.

It is told, as if they were known, where the camera really stands (the crop is moved by that), and mass and friction of
the object. Whoever asks weights its answers by how likely each of these is (`policy.attempt_memory`).
Letters of the shape comments: B grasps, P pixels of a crop's edge, D width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autoglm_embodied.model.config import ScorerConfig
from autoglm_embodied.types import TryOutcome

HAND, HIDDEN = 3, 2  # numbers that describe the hand, and what is hidden of the object
DEEPEST = 2.0  # height units that are told apart
DROPOUT = 0.2  # of what the convolutions see, while learning


class GraspView(NamedTuple):
    """Grasps as the camera shows them; rows of a crop run along the closing direction, its middle is the grasp."""

    height_m: Tensor  # (B, P, P) above the goal of the fingertips
    target: Tensor  # (B, P, P) 1 where the object that is wanted is on top, else 0
    seen: Tensor  # (B, P, P) 1 where a pixel of the camera fell, else 0
    hand: Tensor  # (B, 3) height of the fingertips' goal [m], opening [m], force of each finger [N]


class Predicted(NamedTuple):
    """What is expected of grasps."""

    logits: Tensor  # (..., 4) in the order of TryOutcome
    contact_m: Tensor  # (...) above the goal, where the descent is broken off if it is
    width_m: Tensor  # (...) between the closed fingers if it is not


class GraspScorer(PreTrainedModel):
    """Outcome of grasps. `encode` reads the crops, `outcomes` adds what is hidden: many guesses for one crop are cheap.

    Args:
        config: sizes.
    """

    config_class = ScorerConfig
    config: ScorerConfig
    base_model_prefix = "scorer"

    def __init__(self, config: ScorerConfig) -> None:
        super().__init__(config)
        a, b, c, d = config.stem
        self.stem = nn.Sequential(
            *_convolution(5, a, 5, 2), *_convolution(a, b, 3, 2), *_convolution(b, c, 3, 1), *_convolution(c, d, 3, 2)
        )
        self.crop = nn.Linear(d * (config.pixels // 8) ** 2, config.width)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Sequential(
            nn.Linear(config.width + HAND + HIDDEN, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, len(TryOutcome) + 2),
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep what each layer's own constructor set."""

    def channels(self, view: GraspView) -> Tensor:
        """(B, 5, P, P) height, target, where the fingers come down, seen, how far along the closing direction."""
        config, height = self.config, view.height_m / self.config.height_unit_m
        pixels = torch.arange(config.pixels, device=height.device)
        from_middle_m = (pixels + 0.5 - config.pixels / 2).abs() * config.pixel_m
        across, along = from_middle_m[None, :], from_middle_m[:, None]
        inner = view.hand[:, 1, None, None] / 2
        fingers = (across < config.finger_half_m) & (along > inner) & (along < inner + config.finger_thick_m)
        beside = (along / along.max()).expand_as(height)
        channels = [height.clamp(-DEEPEST, DEEPEST), view.target, fingers.to(height.dtype), view.seen, beside]
        return torch.stack(channels, dim=1)

    def encode(self, view: GraspView) -> Tensor:
        """Features (B, D + 3) of grasps."""
        config, features = self.config, self.stem(self.channels(view)).flatten(1)
        features = torch.relu(self.crop(self.dropout(features)))
        units = torch.tensor([config.height_unit_m, config.width_unit_m, config.grip_unit_n], device=features.device)
        return torch.cat([features, view.hand / units], dim=-1)

    def outcomes(self, features: Tensor, hidden: Tensor) -> Predicted:
        """What to expect if this is what is hidden.

        Args:
            features: (..., D + 3) of `encode`.
            hidden: (..., 2) mass [kg] and friction of the object that is wanted.
        """
        config = self.config
        units = torch.tensor([config.mass_unit_kg, config.friction_unit], device=features.device)
        out = self.head(torch.cat([features, hidden / units - 1], dim=-1))
        return Predicted(out[..., :-2], out[..., -2] * config.height_unit_m, out[..., -1] * config.width_unit_m)

    def forward(self, view: GraspView, hidden: Tensor) -> Predicted:
        """Both in one."""
        return self.outcomes(self.encode(view), hidden)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]
