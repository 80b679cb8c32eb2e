"""What a lesson is: some of the model's parameters, some of the samples, and a loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.train.batches import Indices


class TrainingStage(Protocol):
    """One stage of the training."""

    name: str
    model: GraspModel
    samples: Indices

    def parameters(self) -> list[nn.Parameter]:
        """What it teaches."""
        ...

    def train_mode(self) -> None:
        """Switch the taught modules to training, the others to inference."""
        ...

    def begin_epoch(self, epoch: int, rng: np.random.Generator) -> None:
        """Prepare what an epoch reuses."""
        ...

    def losses(self, indices: Indices, rng: np.random.Generator) -> dict[str, Tensor]:
        """Terms of the loss on a batch."""
        ...

    def validate(self, indices: Indices, rng: np.random.Generator) -> dict[str, float]:
        """Figures on samples kept aside."""
        ...


def parameters_of(modules: list[nn.Module]) -> Iterator[nn.Parameter]:
    """All parameters of some modules."""
    for module in modules:
        yield from module.parameters()
