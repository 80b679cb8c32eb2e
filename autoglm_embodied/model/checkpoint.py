"""Load a checkpoint directory: config.json with sizes and vocabulary, model.safetensors with weights and statistics."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from autoglm_embodied.errors import CheckpointError
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.grasp_model import GraspModel

SHIPPED = Path(__file__).parent.parent / "weights" / "grasp_primitives"


def load(directory: Path = SHIPPED, device: str = "auto") -> GraspModel:
    """The model of `directory`, in inference mode.

    Args:
        directory: a folder written by `GraspModel.save_pretrained`.
        device: a torch device, or "auto": CUDA when there is one.

    Raises:
        CheckpointError: no checkpoint there, or one of another model.
    """
    for name in ("config.json", "model.safetensors"):
        if not (directory / name).is_file():
            raise CheckpointError(f"no checkpoint in {directory}: {name} is missing; train one or use {SHIPPED.name}")
    transformers_logging.disable_progress_bar()
    try:
        config = GraspConfig.from_pretrained(directory)
        model = GraspModel.from_pretrained(directory, config=config, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the checkpoint in {directory}: {str(error).splitlines()[0]}") from error
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    ready: GraspModel = model.eval().to(device)
    return ready
