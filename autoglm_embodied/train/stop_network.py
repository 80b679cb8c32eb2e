"""The network of the stop channel: causal dilated convolutions over log-mel frames, its training and its export.

B: sounds; S: steps of 20 ms; C: channels; K: past steps that the convolutions still need, of all blocks together.
"""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from autoglm_embodied.errors import CheckpointError, ConfigError, SetupError
from autoglm_embodied.train.stop_sounds import Sound, SoundMixer
from autoglm_embodied.train.stop_speech import SpeechClip
from autoglm_embodied.voice.stop_spotter import BANDS, STEP_FRAMES
from autoglm_embodied.whole_file import whole_file

CHANNELS = 64
DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)
KERNEL = 3  # steps
LEARNING_RATE = 3e-3
MEAN_LOG_POWER, SPREAD_LOG_POWER = -4.0, 4.0
REPEATS = 8  # of each drawn sound: to draw one costs as much as to learn from it
POOL = 5000  # sounds
WEIGHTS = "stop.safetensors"


@dataclass(frozen=True)
class StopTraining:
    """How long the network learns."""

    steps: int = 4000
    batch: int = 48
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2 or self.seed < 0:
            raise ConfigError("training needs --steps of at least 1, --batch of at least 2 and --seed of at least 0")


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


def train_stop_network(
    clips: Sequence[SpeechClip],
    training: StopTraining,
    out: Path,
    report: Callable[[int, dict[str, float]], None],
    start: Path | None = None,
) -> None:
    """Train on sounds mixed from clips, and export the network.

    Args:
        clips: with and without the word.
        training: how long.
        out: folder in which stop.onnx and stop.safetensors are written.
        report: called a hundred times with the step, the mean loss since the last and the figures of its batch.
        start: a stop.safetensors to begin from.

    Raises:
        ConfigError: the clips do not hold both kinds of speech.
        CheckpointError: `start` holds other weights, or none.
        SetupError: what writes the network is missing.
    """
    if not {"none"} < {clip.place for clip in clips}:
        raise ConfigError("the speech must hold texts with the word and texts without; make it, or more, first")
    if find_spec("onnx") is None:
        raise SetupError("the network is written by the package onnx, which is missing; run `pip install onnx`")
    torch.manual_seed(training.seed)
    network = StopNetwork()
    if start is not None:
        _begin_from(network, start)
    out.mkdir(parents=True, exist_ok=True)
    shown: list[float] = []
    pool = _SoundPool(SoundMixer(clips, np.random.default_rng(training.seed)), training)
    for step, (loss, figures) in enumerate(_fit(network, pool, training.steps), start=1):
        shown.append(loss)
        if step % max(1, training.steps // 100) == 0 or step == training.steps:
            report(step, {"loss": float(np.mean(shown))} | figures)
            shown.clear()
            with whole_file(out / WEIGHTS) as partial:
                save_file(network.state_dict(), partial)
    export(network, out / "stop.onnx")


def _begin_from(network: StopNetwork, path: Path) -> None:
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:  # the last names tensors that do not fit
        raise CheckpointError(
            f"{path} holds no weights of the stop channel's network ({' '.join(str(error).split())[:200]}); name a "
            f"{WEIGHTS} of `autoglm train-stop network`, or leave --start out"
        ) from error


def _fit(network: StopNetwork, pool: _SoundPool, steps: int) -> Iterator[tuple[float, dict[str, float]]]:
    """Loss and figures of each step of training."""
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-2)
    warm_up = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min(1.0, (n + 1) / warm_up) * 0.5 * (1.0 + math.cos(math.pi * n / steps))
    )
    for _ in range(steps):
        features, target = pool.batch()
        logits, _ = network(features, network.first_state(len(features)))
        loss = stop_loss(logits, target)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        yield loss.item(), _figures(logits, target)


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


class _SoundPool:
    """The newest POOL drawn sounds, each of which comes in about REPEATS batches."""

    def __init__(self, mixer: SoundMixer, training: StopTraining) -> None:
        self._mixer, self._batch = mixer, training.batch
        self._rng = np.random.default_rng([training.seed, 1])
        self._sounds: deque[Sound] = deque(maxlen=POOL)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Frames (B, BANDS, S * STEP_FRAMES) and targets (B, S)."""
        new = -(-self._batch // REPEATS) if self._sounds else 2 * self._batch
        self._sounds.extend(self._mixer.draw() for _ in range(new))
        chosen = [self._sounds[at] for at in self._rng.integers(0, len(self._sounds), self._batch)]
        features = torch.from_numpy(np.stack([sound.features for sound in chosen]))
        return features, torch.from_numpy(np.stack([sound.target for sound in chosen]))


def _figures(logits: Tensor, target: Tensor) -> dict[str, float]:
    """Share of words spotted at a probability of 0.5, and of sounds in which one was spotted wrongly."""
    said = (target == 1).any(1)
    spotted = (logits.masked_fill(target != 1, -30.0).amax(1) > 0)[said].float().mean()
    false = (logits.masked_fill(target != 0, -30.0).amax(1) > 0).float().mean()
    return {"spotted": float(spotted), "false": float(false)}
