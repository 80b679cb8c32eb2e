"""Rows of many shards in random order, with a few shards in memory at a time, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.data.shards import Arrays

Indices = NDArray[np.int64]
Read = Callable[[], Arrays]
"""Reads one shard: fields whose first axis is the row."""
Select = Callable[[int, Arrays], Indices]
"""Rows of a shard, given its number and its fields, that the stream shall hand out."""

WINDOW = 3
"""Shards among which a batch is drawn."""


class ShardStream:
    """Every selected row once a pass: shards come in random order, and each batch is drawn from all that are open.

    Args:
        shards: how to read each.
        select: which rows of each.
        window: shards open at once; more only while they hold less than a batch.
    """

    def __init__(self, shards: Sequence[Read], select: Select, window: int = WINDOW) -> None:
        self._shards = shards
        self._select = select
        self._window = window

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Arrays]:
        """All whole batches of one pass, which follow from the generator's state.

        Args:
            size: rows of a batch.
            rng: orders the shards and draws the rows.

        Yields:
            Fields with `size` rows each.
        """
        waiting = rng.permutation(len(self._shards)).tolist()
        opened: list[tuple[Arrays, Indices]] = []  # a shard, and its rows still to come, in random order
        while True:
            while waiting and (len(opened) < self._window or _left(opened) < size):
                opened.append(self._open(waiting.pop(), rng))
                opened = [(arrays, rows) for arrays, rows in opened if len(rows)]
            if _left(opened) < size:
                return
            shares = rng.multivariate_hypergeometric([len(rows) for _, rows in opened], size)
            drawn = [take(arrays, rows[:share]) for (arrays, rows), share in zip(opened, shares, strict=True) if share]
            pairs = zip(opened, shares, strict=True)
            opened = [(arrays, rows[share:]) for (arrays, rows), share in pairs if share < len(rows)]
            yield {name: np.concatenate([part[name] for part in drawn]) for name in drawn[0]}

    def _open(self, shard: int, rng: np.random.Generator) -> tuple[Arrays, Indices]:
        arrays = self._shards[shard]()
        return arrays, rng.permutation(self._select(shard, arrays))


def take(arrays: Arrays, rows: Indices) -> Arrays:
    """Some rows of every field, copied.

    Args:
        arrays: of one shard.
        rows: which, in any order; they come in that of the shard.
    """
    return {name: values[np.sort(rows)] for name, values in arrays.items()}


def _left(opened: list[tuple[Arrays, Indices]]) -> int:
    return sum(len(rows) for _, rows in opened)
