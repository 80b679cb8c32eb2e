"""Training in two stages: first to find what words name in an image, then to imitate the expert; it can be resumed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW

from autoglm_embodied.data.samples import read_samples
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.train.batches import Indices
from autoglm_embodied.train.grounding_stage import GroundingStage
from autoglm_embodied.train.imitation_stage import ImitationStage
from autoglm_embodied.train.stage import TrainingStage


def save_state(path: Path, model: nn.Module, optimiser: AdamW, epoch: int) -> None:
    """Weights, AdamW moments and the number of finished epochs, written whole or not at all."""
    tensors = {f"model.{name}": value.contiguous().clone() for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"adam.{key}.{name}"] = torch.as_tensor(value).clone()
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, {"epoch": str(epoch)})
    partial.replace(path)


def load_state(path: Path, model: nn.Module, optimiser: AdamW) -> int:
    """Put back what `save_state` wrote; the number of finished epochs, 0 if there is no file."""
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        epoch = int(file.metadata()["epoch"])
        model.load_state_dict({key[6:]: file.get_tensor(key) for key in file.keys() if key.startswith("model.")})
        parameters = dict(model.named_parameters())
        for key in file.keys():
            if key.startswith("adam."):
                _, moment, name = key.split(".", 2)
                optimiser.state[parameters[name]][moment] = file.get_tensor(key)
    return epoch


VALIDATION_SHARE = 0.04

Report = Callable[[str, int, int, dict[str, float]], None]
"""Called with the lesson's name, epochs done, epochs in all, and the figures of the epoch."""


@dataclass(frozen=True)
class TrainSettings:
    """How long and how fast; both lessons resume after the last finished epoch."""

    grounding_epochs: int = 8
    imitation_epochs: int = 16
    batch: int = 32
    grounding_rate: float = 8.0e-4
    imitation_rate: float = 6.0e-4
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "grounding_rate", "imitation_rate"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"train.{name} must be above 0, got {getattr(self, name)}")


def train(
    settings: TrainSettings, data: list[Path], out: Path, report: Report | None = None, start: Path | None = None
) -> GraspModel:
    """Train on the shards of `data` and leave the checkpoint in `out` (and the state to resume from beside it).

    Args:
        settings: how long and how fast.
        data: folders of shards.
        out: folder of the checkpoint.
        report: told of every epoch.
        start: a checkpoint to begin from; none begins with random weights.

    Raises:
        ConfigError: there is no data.
    """
    out.mkdir(parents=True, exist_ok=True)
    arrays = read_samples(data)
    torch.manual_seed(settings.seed)
    model = build_model(grasp_config()) if start is None else load(start, "cpu")
    for stage, epochs, rate in (
        (GroundingStage(model, arrays), settings.grounding_epochs, settings.grounding_rate),
        (ImitationStage(model, arrays), settings.imitation_epochs, settings.imitation_rate),
    ):
        _teach(stage, epochs, rate, settings, out, report)
    model.eval().save_pretrained(out)
    return model


def _teach(
    stage: TrainingStage, epochs: int, rate: float, settings: TrainSettings, out: Path, report: Report | None
) -> None:
    """All epochs of one lesson that are not done yet."""
    optimiser = AdamW(stage.parameters(), lr=rate, weight_decay=0.01)
    state = out / f"{stage.name}.state.safetensors"
    done = load_state(state, stage.model, optimiser)
    train_on, validate_on = _split(stage.samples, settings.seed)
    steps = len(train_on) // settings.batch
    for epoch in range(done, epochs):
        rng = np.random.default_rng([settings.seed, epoch])
        stage.begin_epoch(epoch, rng)
        losses = []
        for step, indices in enumerate(_batches(train_on, settings.batch, rng)):
            for group in optimiser.param_groups:
                group["lr"] = rate * _warm_cosine((epoch + step / max(steps, 1)) / epochs)
            losses.append(_step(stage, optimiser, indices, rng))
        figures = {"loss": float(np.mean(losses)), **stage.validate(validate_on, np.random.default_rng(settings.seed))}
        save_state(state, stage.model, optimiser, epoch + 1)
        if report is not None:
            report(stage.name, epoch + 1, epochs, figures)


def _step(stage: TrainingStage, optimiser: AdamW, indices: Indices, rng: np.random.Generator) -> float:
    stage.train_mode()
    with torch.autocast("cpu", torch.bfloat16):
        losses = stage.losses(indices, rng)
    total: Tensor = torch.stack(list(losses.values())).sum()
    optimiser.zero_grad()
    total.backward()
    nn.utils.clip_grad_norm_(stage.parameters(), 1.0)
    optimiser.step()
    return float(total.detach())


def _split(samples: Indices, seed: int) -> tuple[Indices, Indices]:
    """Whole stretches of neighbouring samples go to one side: frames of an episode are alike."""
    stretch = samples // max(1, min(100, len(samples) // 20))
    chosen = np.random.default_rng(seed).random(int(stretch.max()) + 1) < VALIDATION_SHARE
    chosen[stretch[0]] = True  # never empty
    return samples[~chosen[stretch]], samples[chosen[stretch]]


def _batches(samples: Indices, batch: int, rng: np.random.Generator) -> Iterator[Indices]:
    order = rng.permutation(samples)
    for start in range(0, len(order) - batch + 1, batch):
        yield np.sort(order[start : start + batch])


def _warm_cosine(progress: float) -> float:
    """Learning rate factor over the lesson, 5 % of it warming up."""
    return min(1.0, progress / 0.05 + 0.02) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
