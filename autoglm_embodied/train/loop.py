"""Training in two stages: first grounding, then imitation of the expert; it can be stopped and goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.data.stream import Indices, ShardStream, take
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.build import SIZES, build_model, grasp_config
from autoglm_embodied.model.checkpoint import load, torch_device
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.train.grounded_shards import GroundedShards
from autoglm_embodied.train.grounding_stage import GroundingStage
from autoglm_embodied.train.imitation_stage import ImitationStage
from autoglm_embodied.train.sources import Survey, sample_readers, survey
from autoglm_embodied.train.stage import TrainingStage
from autoglm_embodied.types import MODALITIES


def save_state(path: Path, model: nn.Module, optimiser: AdamW, epoch: int) -> None:
    """Weights, AdamW moments and the number of finished epochs, written whole or not at all.

    Args:
        path: of the file.
        model: whose weights.
        optimiser: of its parameters.
        epoch: epochs that are finished.
    """
    tensors = {f"model.{name}": value.contiguous().clone() for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"adam.{key}.{name}"] = torch.as_tensor(value).clone()
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, {"epoch": str(epoch)})
    partial.replace(path)


def load_state(path: Path, model: nn.Module, optimiser: AdamW) -> int:
    """Put back what `save_state` wrote.

    Args:
        path: of the file.
        model: takes the weights.
        optimiser: takes the moments.

    Returns:
        The number of finished epochs, 0 if there is no file.

    Raises:
        ConfigError: the file is of a model of other sizes.
    """
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        epoch = int(file.metadata()["epoch"])
        try:
            model.load_state_dict({key[6:]: file.get_tensor(key) for key in file.keys() if key.startswith("model.")})
        except RuntimeError as error:
            raise ConfigError(f"{path} is of a training with other sizes; name another folder with --out") from error
        parameters = dict(model.named_parameters())
        for key in file.keys():
            if key.startswith("adam."):
                _, moment, name = key.split(".", 2)
                optimiser.state[parameters[name]][moment] = file.get_tensor(key).to(
                    parameters[name].device if moment != "step" else "cpu"
                )
    return epoch


VALIDATION_SHARE = 0.04
MOST_VALIDATED = 1000  # samples kept aside in memory, of all shards together

Report = Callable[[str, int, int, dict[str, float]], None]
"""Called with the stage's name, epochs done, epochs in all, and the figures of the epoch."""


@dataclass(frozen=True)
class TrainSettings:
    """How long, how fast and on what; both stages resume after the last finished epoch."""

    grounding_epochs: int = 8
    imitation_epochs: int = 16
    batch: int = 32
    grounding_rate: float = 8.0e-4
    imitation_rate: float = 6.0e-4
    drop_vision: float = 0.04
    drop_force: float = 0.10
    drop_joints: float = 0.02
    drop_language: float = 0.02
    size: str = "nano"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "grounding_rate", "imitation_rate"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"train.{name} must be above 0, got {getattr(self, name)}")
        for modality, rate in zip(MODALITIES, self.drop, strict=True):
            if not 0 <= rate < 1:
                raise ConfigError(f"train.drop_{modality} must be 0 or more and below 1, got {rate}")
        if self.size not in SIZES:
            raise ConfigError(f"train.size must be one of {', '.join(SIZES)}, got {self.size!r}")

    @property
    def drop(self) -> tuple[float, ...]:
        """How often each modality is dropped in the imitation stage, in the order of MODALITIES."""
        return tuple(getattr(self, f"drop_{modality}") for modality in MODALITIES)


def train(
    settings: TrainSettings, data: list[Path], out: Path, report: Report | None = None, start: Path | None = None
) -> GraspModel:
    """Train on the shards of `data` and leave the checkpoint in `out` (and the state to resume from beside it).

    Args:
        settings: how long, how fast and on what.
        data: folders of shards.
        out: folder of the checkpoint.
        report: told of every epoch.
        start: a checkpoint to begin from; none begins with random weights.

    Raises:
        ConfigError: there is nothing to learn from, or the start is of another robot or camera.
    """
    device = torch_device(settings.device)
    readers = sample_readers(data)
    surveyed = survey(readers)
    if settings.imitation_epochs and not surveyed.demonstrated:
        raise ConfigError("the data hold no demonstration; collect some with autoglm collect --episodes N")
    torch.manual_seed(settings.seed)
    model = _fresh(settings, surveyed) if start is None else _started(start, surveyed)
    model.to(device)
    out.mkdir(parents=True, exist_ok=True)
    found = GroundedShards(out / "grounded")
    _run_stage(
        GroundingStage(model, readers), settings.grounding_epochs, settings.grounding_rate, settings, out, report
    )
    imitation = ImitationStage(model, readers, found, surveyed, settings.drop)
    _run_stage(imitation, settings.imitation_epochs, settings.imitation_rate, settings, out, report)
    found.remove()
    model.eval().save_pretrained(out)
    return model


def _fresh(settings: TrainSettings, surveyed: Survey) -> GraspModel:
    """A model of random weights for the robot and camera of the data."""
    config = grasp_config(
        settings.size,
        joints=surveyed.joints,
        image_height=surveyed.image_height,
        image_width=surveyed.image_width,
        max_speed_m_s=surveyed.max_speed_m_s,
    )
    return build_model(config)


def _started(start: Path, surveyed: Survey) -> GraspModel:
    """The model of a checkpoint; ConfigError if it is of another camera, CheckpointError if of another arm."""
    model = load(start, "cpu", surveyed.joints)
    has, wanted = (model.config.image_width, model.config.image_height), (surveyed.image_width, surveyed.image_height)
    if has != wanted:
        raise ConfigError(f"{start} was trained on images of {has} px, but the data have {wanted}; leave out --start")
    return model


def _run_stage(
    stage: TrainingStage, epochs: int, rate: float, settings: TrainSettings, out: Path, report: Report | None
) -> None:
    """All epochs of one stage that are not done yet."""
    optimiser = AdamW(stage.parameters(), lr=rate, weight_decay=0.01)
    state = out / f"{stage.name}.state.safetensors"
    kept: _HeldOut | None = None
    for epoch in range(load_state(state, stage.model, optimiser), epochs):
        rng = np.random.default_rng([settings.seed, epoch])
        stage.begin_epoch(epoch, settings.seed)
        if kept is None:
            kept = _hold_out(stage, settings.seed)
            if not kept.others:
                raise ConfigError(f"no sample is left for the {stage.name} stage to learn from; collect more")
        stream = ShardStream(stage.shards(), lambda number, arrays: _split(stage, arrays, number, settings.seed)[0])
        losses, size = [], min(settings.batch, kept.others)
        for step, rows in enumerate(stream.batches(size, rng)):
            for group in optimiser.param_groups:
                group["lr"] = rate * _warm_cosine((epoch + step / (kept.others // size)) / epochs)
            losses.append(_step(stage, optimiser, rows, rng))
        figures = {"loss": float(np.mean(losses)), **stage.validate(kept.rows, np.random.default_rng(settings.seed))}
        save_state(state, stage.model, optimiser, epoch + 1)
        if report is not None:
            report(stage.name, epoch + 1, epochs, figures)


def _step(stage: TrainingStage, optimiser: AdamW, rows: Arrays, rng: np.random.Generator) -> float:
    stage.train_mode()
    with torch.autocast(stage.model.device.type, torch.bfloat16):
        losses = stage.losses(rows, rng)
    total: Tensor = torch.stack(list(losses.values())).sum()
    optimiser.zero_grad()
    total.backward()
    nn.utils.clip_grad_norm_(stage.parameters(), 1.0)
    optimiser.step()
    return float(total.detach())


@dataclass(frozen=True)
class _HeldOut:
    rows: Arrays  # to validate on
    others: int  # samples to learn from


def _hold_out(stage: TrainingStage, seed: int) -> _HeldOut:
    """One pass over the shards: a bounded number of samples kept aside, a like share of each."""
    shards, parts, others = stage.shards(), [], 0
    most = -(-MOST_VALIDATED // len(shards))
    for number, read in enumerate(shards):
        arrays = read()
        learned, aside = _split(stage, arrays, number, seed)
        others += len(learned)
        parts.append(take(arrays, aside[:most]))
    return _HeldOut({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, others)


def _split(stage: TrainingStage, arrays: Arrays, number: int, seed: int) -> tuple[Indices, Indices]:
    """Rows to learn from and rows kept aside, by whole stretches of neighbours: frames of an episode are alike."""
    rows = stage.select(arrays)
    if not len(rows):
        return rows, rows
    stretch = rows // max(1, min(100, len(rows) // 20))
    aside = np.random.default_rng([seed, number]).random(int(stretch.max()) + 1) < VALIDATION_SHARE
    if number == 0:
        aside[stretch[0]] = True  # never empty
    return rows[~aside[stretch]], rows[aside[stretch]]


def _warm_cosine(progress: float) -> float:
    """Learning rate factor over the stage, 5 % of it warming up."""
    return min(1.0, progress / 0.05 + 0.02) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
