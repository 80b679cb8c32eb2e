"""Training state on disk without pickle: optimiser moments as safetensors, counters in its metadata."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import AdamW


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
