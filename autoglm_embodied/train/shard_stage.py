"""What training stages that learn from every row of one kind of shard have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from transformers import PreTrainedModel

from autoglm_embodied.data.shards import Arrays, Indices, Read, Schema, kind_of, read_arrays, shard_paths
from autoglm_embodied.errors import ConfigError

Model = TypeVar("Model", bound=PreTrainedModel)


def shard_readers(directories: Sequence[Path], schema: Schema) -> list[Read]:
    """How to read each shard of folders; ConfigError if they hold anything but shards of the schema, or nothing."""
    paths = shard_paths(directories)
    others = sorted({kind_of(path) for path in paths} - {schema.kind})
    if others:
        where = ", ".join(map(str, directories))
        raise ConfigError(f"{where} holds {' and '.join(others)} beside {schema.kind}; train on each apart")
    return [partial(read_arrays, path, schema) for path in paths]


class ShardStage(Generic[Model]):
    """Trains all of a model on all rows.

    Args:
        model: to be trained.
        shards: to learn from.
    """

    training = True

    def __init__(self, model: Model, shards: Sequence[Read]) -> None:
        self.model, self.shards = model, shards
        self.parameters = list(model.parameters())

    def begin_epoch(self, epoch: int, seed: int) -> None:
        """Dropout and augmentation are drawn anew, so that a training that goes on finds the same."""
        torch.manual_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))

    def select(self, arrays: Arrays) -> Indices:
        """All rows."""
        return np.arange(len(arrays["seed"]))
