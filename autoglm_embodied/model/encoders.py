"""The encoders of the modalities: a frame, the wrench history, the arm's state, the words of an instruction."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autoglm_embodied.model.config import TOOL_FEATURES
from autoglm_embodied.vocabulary import words as split_words

WORKSPACE_CENTRE_M = (0.5, 0.0, 0.05)
WORKSPACE_SCALE_M = 0.3
CHANNELS = 7  # red, green, blue in [-1, 1]; x, y, z of the base frame [m]; 1 where depth is known
PATCH = 3  # pixels on a side of what the first layer sees at once
TOKEN_STRIDE = 12  # pixels from one token to the next


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.GELU()]


class Residual(nn.Module):
    """Two 3x3 convolutions around which the signal passes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, (second, norm, _) = (_convolution(channels, channels, 3, padding=1) for _ in range(2))
        self.layers = nn.Sequential(*first, second, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        return F.gelu(x + self.layers(x))


def half_resolution(inputs: int, outputs: int, residuals: int) -> nn.Sequential:
    """A convolution of stride 2 and residual blocks after it; `inputs` and `outputs` are channels."""
    blocks = (Residual(outputs) for _ in range(residuals))
    return nn.Sequential(*_convolution(inputs, outputs, 3, stride=2, padding=1), *blocks)


class FrameEncoder(nn.Module):
    """Image to visual tokens, each followed by its place in the base frame."""

    def __init__(self, stem: tuple[int, int, int], width: int) -> None:
        super().__init__()
        patches, parts, tokens = stem
        self.stem = nn.Sequential(
            *_convolution(CHANNELS, patches, PATCH, stride=PATCH),
            *_convolution(patches, parts, 3, stride=2, padding=1),
            *_convolution(parts, tokens, 3, stride=2, padding=1),
            Residual(tokens),
        )
        self.project = nn.Conv2d(tokens, width, 1)
        self.centre: Tensor
        self.register_buffer("centre", torch.tensor(WORKSPACE_CENTRE_M).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Visual tokens (B, N, D + 4) from images (B, 7, h, w): features, place [m], known fraction."""
        place, known = image[:, 3:6], image[:, 6:]
        centred = (place - self.centre) / WORKSPACE_SCALE_M * known
        features = self.project(self.stem(torch.cat([image[:, :3], centred, known], dim=1)))  # (B, D, h', w')
        fraction = F.avg_pool2d(known, TOKEN_STRIDE)
        anchor = F.avg_pool2d(place * known, TOKEN_STRIDE) / fraction.clamp(min=1e-3)
        return torch.cat([features.float(), anchor, fraction], dim=1).flatten(2).transpose(1, 2)


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
        """Tokens of the wrench history (B, S + raw tokens, D).

        Args:
            pyramid: (B, S, 5, 6) statistics at each scale [N, N·m], sensor frame.
            raw: (B, R, 6) newest samples [N, N·m].
        """
        slow = self.pyramid((pyramid / self.pyramid_scale).clamp(-10, 10).flatten(2))
        fast = self.raw((raw / self.raw_scale).clamp(-10, 10).reshape(len(raw), self.raw_tokens, -1))
        return torch.cat([slow, fast], dim=1) + self.position


FINE_M = (0.3, 0.03, 0.008)  # scales at which a distance is shown: the reach, the funnel, the grasp

TOOL_POSITION = slice(-TOOL_FEATURES, 3 - TOOL_FEATURES)
"""Where the tool's position stands in the features of an arm, however many joints it has."""
GRIPPER_FEATURES = 6


def at_scales(value: Tensor, scales: tuple[float, ...]) -> Tensor:
    """A value (..., K) squashed to -1 to 1 at each of n scales, (..., K n): both metres and millimetres can be read."""
    return torch.cat([torch.tanh(value / scale) for scale in scales], dim=-1)


class ArmEncoder(nn.Module):
    """Arm and gripper to two tokens."""

    def __init__(self, arm_features: int, width: int) -> None:
        super().__init__()
        self.arm = nn.Linear(arm_features, width)
        self.gripper = nn.Linear(GRIPPER_FEATURES + 3 * len(FINE_M), width)

    def forward(self, arm: Tensor, gripper: Tensor) -> Tensor:
        """Arm and gripper as a token each, (B, 2, D).

        Args:
            arm: (B, 2 J + 9) joint positions [rad] and velocities [rad/s], tool position [m], its x and z axes.
            gripper: (B, 2) width [m] and its rate [m/s].
        """
        width = at_scales(gripper[:, :1], (0.08, 0.02, 0.005))
        rate = at_scales(gripper[:, 1:], (0.2, 0.02, 0.005))
        grip = torch.cat([width, rate, at_scales(arm[:, TOOL_POSITION], FINE_M)], dim=-1)
        return torch.stack([self.arm(arm), self.gripper(grip)], dim=1)


class TargetEncoder(nn.Module):
    """The voted target relative to the tool, as one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        features = 3 * len(FINE_M) + 1 + len(FINE_M)
        self.layers = nn.Sequential(nn.Linear(features + 1, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, target_m: Tensor, spread_m: Tensor, tool_m: Tensor) -> Tensor:
        """One token (B, 1, D) of where the target is from the tool.

        Args:
            target_m, tool_m: (B, 3) base frame.
            spread_m: (B,) standard deviation of the votes.
        """
        offset = target_m - tool_m
        distance = offset[:, :2].norm(dim=-1, keepdim=True)
        shown = [at_scales(offset, FINE_M), at_scales(distance, FINE_M), target_m[:, 2:] * 10, spread_m[:, None] * 10]
        token: Tensor = self.layers(torch.cat(shown, dim=-1))
        return token.unsqueeze(1)


PADDING, UNKNOWN = 0, 1


def word_ids(instruction: str, vocabulary: tuple[str, ...], max_words: int) -> list[int]:
    """Ids of the words of an instruction that the model knows; verbs and fillers are left out.

    Args:
        instruction: a sentence; synonyms and plurals are made canonical.
        vocabulary: V words.
        max_words: L, to which the ids are padded.
    """
    ids = [vocabulary.index(word) + 2 for word in split_words(instruction) if word in vocabulary][:max_words]
    ids = ids or [UNKNOWN]
    return ids + [PADDING] * (max_words - len(ids))


class WordEncoder(nn.Module):
    """Words to tokens and to one summary."""

    def __init__(self, vocabulary_size: int, max_words: int, width: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size + 2, width, padding_idx=PADDING)
        self.position = nn.Parameter(torch.zeros(max_words, width))
        self.layer = nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, L, D) and their mean over the words there are, (B, D), from ids (B, L)."""
        there = ids != PADDING
        tokens = self.layer(self.embedding(ids) + self.position, src_key_padding_mask=~there)
        weight = there.unsqueeze(-1).to(tokens.dtype)
        return tokens, (tokens * weight).sum(1) / weight.sum(1).clamp(min=1)


@dataclass(frozen=True)
class Encoders:
    """What turns each modality into tokens of one width; GraspModel is given them and builds none."""

    frames: nn.Module  # (B, 7, h, w) to (B, N, D + 4), as FrameEncoder
    words: nn.Module  # (B, L) to (B, L, D) and (B, D), as WordEncoder
    force: ForceEncoder  # which keeps the spread of the wrench it was trained on
    arm: nn.Module  # (B, 2 J + 9) and (B, 2) to (B, T, D), as ArmEncoder
