"""The stop channel's networks: causal dilated convolutions over log-mel frames, and a head on the speech encoder.

B: sounds; S: steps of 20 ms, or of 80 ms of the head; C: channels; K: past steps that the convolutions still need, of
all blocks together; P: POSITIONS; W: WIDTH.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from autoglm_embodied.errors import CheckpointError
from autoglm_embodied.voice.stop_features import BANDS, POSITIONS, WIDTH
from autoglm_embodied.voice.stop_spotter import STEP_FRAMES
from autoglm_embodied.whole_file import whole_file

CHANNELS = 64
DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)
KERNEL = 3  # steps
MEAN_LOG_POWER, SPREAD_LOG_POWER = -4.0, 4.0
HEAD_CHANNELS, MEMBERS = 96, 2
DROPOUT = 0.3
WEIGHTS = "stop.safetensors"


class CausalBlock(nn.Module):
    """A residual convolution over the present step and KERNEL - 1 past ones, which are `dilation` apart."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.past = (KERNEL - 1) * dilation
        self.convolution = nn.Conv1d(CHANNELS, CHANNELS, KERNEL, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """The output (B, C, S) of steps `x` (B, C, S) after those of `past`, and the past of the next ones."""
        seen = torch.cat((past, x), 2)
        return x + F.relu(self.norm(self.convolution(seen))), seen[:, :, -self.past :]


class StopNetwork(nn.Module):
    """Log-mel frames to the logit, at each step, that the word has just ended."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv1d(BANDS, CHANNELS, STEP_FRAMES, stride=STEP_FRAMES, bias=False)
        self.embed_norm = nn.BatchNorm1d(CHANNELS)
        self.blocks = nn.ModuleList(map(CausalBlock, DILATIONS))
        self.head = nn.Conv1d(CHANNELS, 1, 1)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, S) and the next state (B, C, K) from frames (B, BANDS, S * STEP_FRAMES) and a state (B, C, K)."""
        x = F.relu(self.embed_norm(self.embed((features - MEAN_LOG_POWER) / SPREAD_LOG_POWER)))
        pasts = torch.split(state, [block.past for block in self.blocks], dim=2)  # type: ignore[misc]
        kept = []
        for block, past in zip(self.blocks, pasts, strict=True):
            x, past = block(x, past)
            kept.append(past)
        return self.head(x).squeeze(1), torch.cat(kept, 2)

    def whole(self, features: Tensor) -> Tensor:
        """Logits (B, S) of whole sounds (B, BANDS, S * STEP_FRAMES)."""
        logits: Tensor = self(features, self.first_state(len(features)))[0]
        return logits

    def first_state(self, batch: int) -> Tensor:
        """The state (B, C, K) before any sound."""
        return torch.zeros(batch, CHANNELS, sum((KERNEL - 1) * dilation for dilation in DILATIONS))


class _HeadMember(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(WIDTH, HEAD_CHANNELS)
        self.norms = nn.ModuleList(nn.BatchNorm1d(HEAD_CHANNELS) for _ in range(3))
        self.convolutions = nn.ModuleList(nn.Conv1d(HEAD_CHANNELS, HEAD_CHANNELS, 5, padding=2) for _ in range(2))
        self.dropout = nn.Dropout(DROPOUT)
        self.position = nn.Parameter(torch.zeros(POSITIONS))
        self.attend = nn.Conv1d(HEAD_CHANNELS, 1, 1)
        self.head = nn.Linear(HEAD_CHANNELS, 1)

    def forward(self, encodings: Tensor) -> Tensor:
        """Logits (B,) from encodings (B, P, W)."""
        x = self.dropout(F.relu(self.norms[0](self.embed(encodings).transpose(1, 2))))
        for norm, convolution in zip(self.norms[1:], self.convolutions, strict=True):
            x = self.dropout(x + F.relu(norm(convolution(x))))
        attention = (self.attend(x).squeeze(1) + self.position).softmax(-1)
        logits: Tensor = self.head((x * attention.unsqueeze(1)).sum(-1))
        return logits.squeeze(1)


class EncoderHead(nn.Module):
    """What the speech encoder makes of a sound, to the logit that the word has just ended: the mean of MEMBERS.

    Each learns from its own part of each batch, so that they err on different sounds (bagging).
    """

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(_HeadMember() for _ in range(MEMBERS))

    def forward(self, encodings: Tensor) -> Tensor:
        """Logits (B,) from encodings (B, P, W)."""
        return torch.stack([member(encodings) for member in self.members]).mean(0)

    def whole(self, encodings: Tensor) -> Tensor:
        """Logits (B, S) of whole sounds (B, S, P, W), each of them by one member while it learns."""
        parts = encodings.tensor_split(MEMBERS) if self.training else (encodings,)
        networks = self.members if self.training else (self,)
        logits = [network(part.flatten(0, 1)) for network, part in zip(networks, parts, strict=True)]
        return torch.cat(logits).reshape(encodings.shape[:2])


TrainedNetwork = StopNetwork | EncoderHead


def stop_losses(logits: Tensor, target: Tensor) -> Tensor:
    """Max-pooling loss (Sun et al., SLT 2016): the best step within the word's window counts, and every one outside.

    Args:
        logits: (B, S).
        target: (B, S) of `Sound.target`.

    Returns:
        (B,) of each sound.
    """
    inside, outside = target == 1, target == 0
    best = logits.masked_fill(~inside, -30.0).amax(1)
    worst = logits.masked_fill(~outside, -30.0).amax(1)
    every = (F.softplus(logits) * outside).sum(1) / outside.sum(1).clamp_min(1)
    return every + 0.3 * F.softplus(worst) + F.softplus(-best) * inside.any(1)


def load_weights(network: TrainedNetwork, path: Path) -> None:
    """Give a network the weights of a file.

    Raises:
        CheckpointError: it holds others, or none.
    """
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:  # the last names tensors that do not fit
        raise CheckpointError(
            f"{path} holds no weights of the stop channel's network ({' '.join(str(error).split())[:200]}); name a "
            f"{WEIGHTS} of `autoglm train-stop network`, or leave --start out"
        ) from error


def export(network: TrainedNetwork, path: Path) -> None:
    """Write the network as ONNX, for one step of one stream at a time."""
    network.eval()
    given: tuple[Tensor, ...] = (torch.zeros(1, POSITIONS, WIDTH),)
    inputs, outputs = ["encodings"], ["logit"]
    if isinstance(network, StopNetwork):
        given = (torch.zeros(1, BANDS, STEP_FRAMES), network.first_state(1))
        inputs, outputs = ["features", "state"], ["logit", "next_state"]
    with whole_file(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs more packages, for the same file
        torch.onnx.export(network, given, str(partial), input_names=inputs, output_names=outputs, dynamo=False)
