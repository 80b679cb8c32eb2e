"""Load a checkpoint directory: config.json with sizes and vocabulary, model.safetensors with weights and statistics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from transformers import PretrainedConfig
from transformers.utils import logging as transformers_logging

from autoglm_embodied.data.schemas import CROP_PIXEL_M, CROP_PIXELS
from autoglm_embodied.errors import CheckpointError, ConfigError
from autoglm_embodied.model.build import build_encoders
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.grasp_scorer import GraspScorer
from autoglm_embodied.model.object_segmenter import ObjectSegmenter

WEIGHTS = Path(__file__).parent.parent / "weights"
SHIPPED, SHIPPED_SCORER = WEIGHTS / "grasp_primitives", WEIGHTS / "grasp_scorer"
SHIPPED_SEGMENTER = WEIGHTS / "object_segmenter"
Model = TypeVar("Model", GraspModel, GraspScorer, ObjectSegmenter)


def load(directory: Path = SHIPPED, device: str = "auto", joints: int | None = None) -> GraspModel:
    """The model of `directory`, in inference mode.

    Args:
        directory: written by `GraspModel.save_pretrained`; CheckpointError if it holds none, or one of another version.
        device: see `torch_device`.
        joints: J of the robot's arm, if it is to drive one; CheckpointError if the model is for another.
    """
    model = _read(directory, GraspModel, SHIPPED)
    if joints is not None and model.config.joints != joints:
        raise CheckpointError(
            f"the checkpoint in {directory} was trained for an arm of {model.config.joints} joints, but this robot has "
            f"{joints}; train one on data of this robot and name its folder"
        )
    ready: GraspModel = model.eval().to(torch_device(device))
    return ready


def load_scorer(directory: Path = SHIPPED_SCORER, device: str = "auto") -> GraspScorer:
    """The scorer of grasps in `directory`, in inference mode; as `load`."""
    scorer = _read(directory, GraspScorer, SHIPPED_SCORER)
    has, cut = (scorer.config.pixels, scorer.config.pixel_m), (CROP_PIXELS, CROP_PIXEL_M)
    if has != cut:
        raise CheckpointError(
            f"the scorer in {directory} takes crops of {has} (pixels, m), but this version cuts {cut}"
        )
    ready: GraspScorer = scorer.eval().to(torch_device(device))
    return ready


def load_segmenter(directory: Path = SHIPPED_SEGMENTER, device: str = "auto") -> ObjectSegmenter:
    """The segmenter of objects in `directory`, in inference mode; as `load`."""
    segmenter: ObjectSegmenter = _read(directory, ObjectSegmenter, SHIPPED_SEGMENTER).eval().to(torch_device(device))
    return segmenter


def torch_device(name: str) -> torch.device:
    """The device of a setting: "auto" is CUDA when there is one; ConfigError if there is no such device."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device must be auto, cpu or cuda, got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device {name} was asked for, but torch finds no CUDA here; use auto or cpu")
    return device


def _read(directory: Path, kind: type[Model], shipped: Path) -> Model:
    """The model with every weight from the folder: one that is missing would otherwise be drawn at random."""
    for name in ("config.json", "model.safetensors"):
        if not (directory / name).is_file():
            raise CheckpointError(f"no checkpoint in {directory}: {name} is missing; train one or use {shipped.name}")
    try:
        with _quiet():
            found = PretrainedConfig.get_config_dict(directory)[0].get("model_type")
            if found != kind.config_class.model_type:
                raise ConfigError(f"its model_type is {found}, not {kind.config_class.model_type}")
            config = kind.config_class.from_pretrained(directory)
            loaded: Any = kind.from_pretrained(
                directory,
                *((build_encoders(config),) if isinstance(config, GraspConfig) else ()),
                config=config,
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, TypeError, ConfigError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the checkpoint in {directory}: {str(error).splitlines()[0]}") from error
    model: Model = loaded[0]
    loading: dict[str, Any] = loaded[1]
    wrong = [*loading["missing_keys"], *loading["unexpected_keys"], *(row[0] for row in loading["mismatched_keys"])]
    if wrong:
        raise CheckpointError(
            f"the checkpoint in {directory} is of another version of the model ({len(wrong)} weights such as "
            f"{min(wrong)} do not fit); train one or use {shipped.name}"
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the tables and bars of the library: what is wrong is said in one sentence."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
