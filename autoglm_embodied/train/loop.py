"""Training in stages: grounding, then imitation of the expert; or outcomes of grasps. What is stopped goes on."""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW

from autoglm_embodied.data.schemas import LABELLED_IMAGES, OUTCOMES
from autoglm_embodied.data.shards import Arrays, Indices, Read, joined, shuffled_batches, take
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.build import SIZES, build_model, build_scorer, build_segmenter, grasp_config
from autoglm_embodied.model.checkpoint import load, load_scorer, load_segmenter, torch_device
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.grasp_scorer import GraspScorer
from autoglm_embodied.model.latent_statistics import LatentStatistics
from autoglm_embodied.model.object_segmenter import ObjectSegmenter
from autoglm_embodied.train.grounding_stage import GroundingStage
from autoglm_embodied.train.imitation_stage import ImitationStage
from autoglm_embodied.train.latents import latent_statistics
from autoglm_embodied.train.outcome_stage import OutcomeStage
from autoglm_embodied.train.segmentation_stage import PARTS, SegmentationStage
from autoglm_embodied.train.shard_stage import shard_readers
from autoglm_embodied.train.sources import Survey, sample_readers, survey
from autoglm_embodied.types import MODALITIES
from autoglm_embodied.whole_file import whole_file

TrainingStage = GroundingStage | ImitationStage | OutcomeStage | SegmentationStage
"""Some of the model's parameters, some of the samples, and a loss. Rows are fields whose first axis is the sample.

What `rng` and `seed` decide is all that is random, so that a resumed run finds the same.
"""

READ_AHEAD = 2  # batches
STATISTICS_ASIDE = 0.2  # of the samples: what is usual lies in the tail of their distances
NO_DEMONSTRATION = "the data hold no demonstration; collect some with autoglm collect --episodes N"
BFLOAT16 = ("amx_bf16", "avx512_bf16", "bf16")  # of processors: x86-64, and the last of ARM
Report = Callable[[str, int, int, dict[str, float]], None]
"""Called with the stage's name, epochs done, epochs in all, and the figures of the epoch."""


@dataclass(frozen=True)
class TrainSettings:
    """How long, how fast and on what; every stage resumes after its last finished epoch."""

    grounding_epochs: int = 8
    imitation_epochs: int = 16
    outcome_epochs: int = 24
    segmentation_epochs: int = 12
    only: str = ""
    batch: int = 32
    grounding_rate: float = 8.0e-4
    imitation_rate: float = 6.0e-4
    outcome_rate: float = 1.0e-3
    segmentation_rate: float = 1.0e-3
    drop_vision: float = 0.04
    drop_force: float = 0.10
    drop_joints: float = 0.02
    drop_language: float = 0.02
    size: str = "nano"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "grounding_rate", "imitation_rate", "outcome_rate", "segmentation_rate"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"train.{name} must be above 0, got {getattr(self, name)}")
        if self.only not in ("", *PARTS):
            raise ConfigError(f"train.only must be {' or '.join(PARTS)}, got {self.only!r}")
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
        data: folders of shards; ConfigError if there is nothing to learn from.
        out: folder of the checkpoint.
        report: told of every epoch.
        start: a checkpoint to begin from, of the same camera (ConfigError) and arm (CheckpointError); none begins with
            random weights.
    """
    device = torch_device(settings.device)
    readers = sample_readers(data)
    surveyed = survey(readers)
    if settings.imitation_epochs and not surveyed.demonstrated:
        raise ConfigError(NO_DEMONSTRATION)
    torch.manual_seed(settings.seed)
    model = _initial_model(settings, surveyed, start)
    model.to(device)
    out.mkdir(parents=True, exist_ok=True)
    found = out / "grounded"
    _run_stage(GroundingStage(model, readers), settings, out, report)
    _run_stage(ImitationStage(model, readers, found, surveyed, settings.drop), settings, out, report)
    shutil.rmtree(found, ignore_errors=True)
    model.eval().save_pretrained(out)
    if settings.imitation_epochs:
        _latent_statistics(model, readers, settings).save(out)
    return model


def write_statistics(settings: TrainSettings, data: list[Path], checkpoint: Path) -> None:
    """Train nothing, but leave the statistics of the latents of a checkpoint, on what it learned from, beside it.

    Args:
        settings: of its training.
        data: folders of shards; ConfigError if they are of another camera, CheckpointError if of another arm.
        checkpoint: folder.
    """
    readers = sample_readers(data)
    surveyed = survey(readers)
    if not surveyed.demonstrated:
        raise ConfigError(NO_DEMONSTRATION)
    model = _initial_model(settings, surveyed, checkpoint).to(torch_device(settings.device)).eval()
    _latent_statistics(model, readers, settings).save(checkpoint)


def _latent_statistics(model: GraspModel, readers: Sequence[Read], settings: TrainSettings) -> LatentStatistics:
    """Of the samples that the imitation stage learns from; stretches kept aside say what is usual."""

    def split(arrays: Arrays, number: int) -> tuple[Indices, Indices]:
        return _split_rows(np.arange(len(arrays["phase"])), arrays, STATISTICS_ASIDE, (settings.seed, number))

    return latent_statistics(model, readers, split, settings.drop_force, settings.seed)


def train_scorer(
    settings: TrainSettings, data: list[Path], out: Path, report: Report | None = None, start: Path | None = None
) -> GraspScorer:
    """Train the scorer of grasps on outcomes of `data`; arguments as of `train`, and none of a robot."""
    readers = shard_readers(data, OUTCOMES)
    torch.manual_seed(settings.seed)
    scorer = build_scorer() if start is None else load_scorer(start, "cpu")
    _train_alone(OutcomeStage(scorer, readers), settings, out, report)
    return scorer


def train_segmenter(
    settings: TrainSettings, data: list[Path], out: Path, report: Report | None = None, start: Path | None = None
) -> ObjectSegmenter:
    """Train the segmenter of objects on labelled images of `data`; arguments as of `train`, and none of a robot."""
    if settings.only and start is None:
        raise ConfigError(f"{settings.only} alone are learned by a segmenter that knows the rest; name it with --start")
    readers = shard_readers(data, LABELLED_IMAGES)
    torch.manual_seed(settings.seed)
    segmenter = build_segmenter() if start is None else load_segmenter(start, "cpu")
    _train_alone(SegmentationStage(segmenter, readers, settings.only), settings, out, report)
    return segmenter


def _train_alone(
    stage: OutcomeStage | SegmentationStage, settings: TrainSettings, out: Path, report: Report | None
) -> None:
    """A model that has one stage, to the checkpoint in `out`."""
    stage.model.to(torch_device(settings.device))
    out.mkdir(parents=True, exist_ok=True)
    _run_stage(stage, settings, out, report)
    stage.model.eval().save_pretrained(out)


def _initial_model(settings: TrainSettings, surveyed: Survey, start: Path | None) -> GraspModel:
    """The model to begin from, of the data's robot and camera: of random weights, or of a checkpoint."""
    same = ("joints", "image_height", "image_width", "max_speed_m_s")
    if start is None:
        return build_model(grasp_config(settings.size, **{name: getattr(surveyed, name) for name in same}))
    model = load(start, "cpu", surveyed.joints)
    has, wanted = (model.config.image_width, model.config.image_height), (surveyed.image_width, surveyed.image_height)
    if has != wanted:
        raise ConfigError(f"{start} was trained on images of {has} px, but the data have {wanted}; leave out --start")
    return model


def _run_stage(stage: TrainingStage, settings: TrainSettings, out: Path, report: Report | None) -> None:
    """All epochs of one stage that are not done yet; the settings of a stage begin with its name."""
    epochs, rate = getattr(settings, f"{stage.name}_epochs"), getattr(settings, f"{stage.name}_rate")

    def learned(number: int, arrays: Arrays) -> Indices:
        return _split(stage, arrays, number, settings.seed)[0]

    optimiser = AdamW(stage.parameters, lr=rate, weight_decay=0.01)
    state = out / f"{stage.name}.state.safetensors"
    kept: Arrays | None = None
    for epoch in range(_load_state(state, stage.model, optimiser), epochs):
        rng = np.random.default_rng([settings.seed, epoch])
        stage.begin_epoch(epoch, settings.seed)
        if kept is None:
            kept, others = _hold_out(stage, settings.seed)
            size = min(settings.batch, others)
            if not others:
                raise ConfigError(f"no sample is left for the {stage.name} stage to learn from; collect more")
        losses = []
        order = np.random.default_rng([settings.seed, epoch, 1])  # of its own: batches are read ahead
        for step, rows in enumerate(_read_ahead(shuffled_batches(stage.shards, learned, size, order))):
            for group in optimiser.param_groups:
                group["lr"] = rate * _warm_cosine((epoch + step / (others // size)) / epochs)
            losses.append(_step(stage, optimiser, rows, rng))
        figures = {"loss": float(np.mean(losses)), **stage.validate(kept, np.random.default_rng(settings.seed))}
        _save_state(state, stage.model, optimiser, epoch + 1)
        if report is not None:
            report(stage.name, epoch + 1, epochs, figures)


def _read_ahead(batches: Iterator[Arrays]) -> Iterator[Arrays]:
    """The same batches; the next ones are read while one is learned from."""
    with ThreadPoolExecutor(1, "batches") as reader:
        waiting = deque(reader.submit(next, batches, None) for _ in range(READ_AHEAD))
        while (rows := waiting.popleft().result()) is not None:
            waiting.append(reader.submit(next, batches, None))
            yield rows


def fast_in_bfloat16(device: str) -> bool:
    """Whether to compute in it: a processor without such instructions emulates them in ten times the time."""
    return device != "cpu" or any(torch.cpu.get_capabilities().get(name, False) for name in BFLOAT16)


def _step(stage: TrainingStage, optimiser: AdamW, rows: Arrays, rng: np.random.Generator) -> float:
    stage.model.train(stage.training)
    device = stage.model.device.type
    with torch.autocast(device, torch.bfloat16, enabled=fast_in_bfloat16(device)):
        losses = stage.losses(rows, rng)
    total: Tensor = torch.stack(list(losses.values())).sum()
    optimiser.zero_grad()
    total.backward()
    nn.utils.clip_grad_norm_(stage.parameters, 1.0)
    optimiser.step()
    return float(total.detach())


def _hold_out(stage: TrainingStage, seed: int) -> tuple[Arrays, int]:
    """Samples kept aside to validate on, a bounded number and a like share of each shard; how many others there are."""
    parts, others = [], 0
    most = -(-stage.most_aside // len(stage.shards))
    for number, read in enumerate(stage.shards):
        arrays = read()
        learned, aside = _split(stage, arrays, number, seed)
        others += len(learned)
        parts.append(take(arrays, aside[:most]))
    return joined(parts), others


def _split(stage: TrainingStage, arrays: Arrays, number: int, seed: int) -> tuple[Indices, Indices]:
    return _split_rows(stage.select(arrays), arrays, stage.share_aside, (seed, number))


def _split_rows(rows: Indices, arrays: Arrays, share_aside: float, seeds: tuple[int, int]) -> tuple[Indices, Indices]:
    """Rows to learn from and rows kept aside, by whole scenes or stretches of neighbours: frames of one are alike.

    Args:
        rows: of a shard, which are to be split.
        arrays: of the shard.
        share_aside: of its scenes or stretches.
        seeds: of the training, and the shard's number; of the first shard something is always kept aside.
    """
    if not len(rows):
        return rows, rows
    if "seed" in arrays:
        stretch = np.unique(arrays["seed"][rows], return_inverse=True)[1]
    else:
        stretch = rows // max(1, min(100, len(rows) // 20))
    aside = np.random.default_rng(seeds).random(int(stretch.max()) + 1) < share_aside
    if seeds[1] == 0:
        aside[stretch[0]] = True  # never empty
    return rows[~aside[stretch]], rows[aside[stretch]]


def _warm_cosine(progress: float) -> float:
    """Learning rate factor over the stage, 5 % of it warming up."""
    return min(1.0, progress / 0.05 + 0.02) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def _save_state(path: Path, model: nn.Module, optimiser: AdamW, epoch: int) -> None:
    """Weights, AdamW moments and the number of finished epochs, written whole or not at all."""
    tensors = {f"model.{name}": value.contiguous().clone() for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"adam.{key}.{name}"] = torch.as_tensor(value).clone()
    with whole_file(path) as partial:
        save_file(tensors, partial, {"epoch": str(epoch)})


def _load_state(path: Path, model: nn.Module, optimiser: AdamW) -> int:
    """Put back what `_save_state` wrote, if anything; the number of finished epochs."""
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
