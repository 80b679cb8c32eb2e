"""The network of the stop channel: causal dilated convolutions over log-mel frames, its loss and its export.

B: sounds; S: steps of 20 ms; C: channels; K: past steps that the convolutions still need, of all blocks together.
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
from autoglm_embodied.voice.stop_spotter import BANDS, STEP_FRAMES
from autoglm_embodied.whole_file import whole_file

CHANNELS = 64
DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)
KERNEL = 3  # steps
MEAN_LOG_POWER, SPREAD_LOG_POWER = -4.0, 4.0
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

    def first_state(self, batch: int) -> Tensor:
        """The state (B, C, K) before any sound."""
        return torch.zeros(batch, CHANNELS, sum((KERNEL - 1) * dilation for dilation in DILATIONS))


def stop_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Max-pooling loss (Sun et al., SLT 2016): the best step within the word's window counts, and every one outside.

    Args:
        logits: (B, S).
        target: (B, S) of `Sound.target`.
    """
    said = (target == 1).any(1)
    best = logits.masked_fill(target != 1, -30.0).amax(1)
    worst = logits.masked_fill(target != 0, -30.0).amax(1)
    wrong = F.softplus(logits)[target == 0].mean() + 0.3 * F.softplus(worst).mean()
    return wrong + F.softplus(-best[said]).sum() / len(target)


def load_weights(network: StopNetwork, path: Path) -> None:
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


def export(network: StopNetwork, path: Path) -> None:
    """Write the network as ONNX, for one step of one stream at a time."""
    network.eval()
    frames, state = torch.zeros(1, BANDS, STEP_FRAMES), network.first_state(1)
    inputs, outputs = ["features", "state"], ["logit", "next_state"]
    with whole_file(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs more packages, for the same file
        torch.onnx.export(
            network, (frames, state), str(partial), input_names=inputs, output_names=outputs, dynamo=False
        )
