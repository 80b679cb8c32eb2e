"""What a training stage is: some of the model's parameters, some of the samples, and a loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.data.stream import Indices, Read
from autoglm_embodied.model.grasp_model import GraspModel


class TrainingStage(Protocol):
    """One stage of the training. Rows are what `shards` give: fields whose first axis is the sample."""

    name: str
    model: GraspModel

    def parameters(self) -> list[nn.Parameter]:
        """What it optimises."""
        ...

    def train_mode(self) -> None:
        """Switch the optimised modules to training, the others to inference."""
        ...

    def begin_epoch(self, epoch: int, seed: int) -> None:
        """Prepare what several epochs share.

        Args:
            epoch: from 0.
            seed: of the training; what is random follows from both, so that a resumed run finds the same.
        """
        ...

    def shards(self) -> Sequence[Read]:
        """What it learns from, once an epoch has begun."""
        ...

    def select(self, arrays: Arrays) -> Indices:
        """Rows of a shard that it can learn from."""
        ...

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """Terms of the loss on a batch.

        Args:
            rows: B samples.
            rng: draws whatever is random.
        """
        ...

    def validate(self, rows: Arrays, rng: np.random.Generator) -> dict[str, float]:
        """Figures on samples kept aside.

        Args:
            rows: all of them.
            rng: draws whatever is random.
        """
        ...


def parameters_of(modules: Sequence[nn.Module]) -> Iterator[nn.Parameter]:
    """All parameters of some modules."""
    for module in modules:
        yield from module.parameters()
