"""Streaming: every row once a pass, well mixed, reproducible, and only a few shards in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from autoglm_embodied.data.shards import WINDOW, Arrays, Indices, shuffled_batches

ROWS = 40


def shard(number: int, width: int = 1) -> Arrays:
    return {"row": number * ROWS + np.arange(ROWS), "image": np.full((ROWS, width), number, np.uint8)}


def even(number: int, arrays: Arrays) -> Indices:
    return np.flatnonzero(arrays["row"] % 2 == 0)


def stream(shards: int, size: int, seed: int = 0, width: int = 1) -> Iterator[Arrays]:
    readers = [partial(shard, number, width) for number in range(shards)]
    return shuffled_batches(readers, even, size, np.random.default_rng(seed))


def rows(shards: int, size: int, seed: int = 0) -> list[list[int]]:
    return [batch["row"].tolist() for batch in stream(shards, size, seed)]


@pytest.mark.parametrize(("shards", "size"), [(1, 5), (5, 10), (7, 20), (5, 100)])
def test_every_selected_row_comes_once_and_batches_are_whole(shards: int, size: int) -> None:
    batches = rows(shards, size)
    assert all(len(batch) == size for batch in batches)
    seen = sorted(row for batch in batches for row in batch)
    assert len(seen) == len(set(seen)) == shards * ROWS // 2 // size * size
    assert all(row % 2 == 0 for row in seen)


def test_batches_are_drawn_among_several_shards_and_shards_come_in_random_order() -> None:
    batches = rows(8, 12)
    mixed = [len({row // ROWS for row in batch}) for batch in batches[:-WINDOW]]
    assert np.mean(mixed) > 2
    orders = {tuple(dict.fromkeys(row // ROWS for batch in rows(8, 12, seed) for row in batch)) for seed in range(5)}
    assert len(orders) == 5


def test_the_same_seed_gives_the_same_batches() -> None:
    assert rows(5, 7, seed=3) == rows(5, 7, seed=3) != rows(5, 7, seed=4)


def test_fields_of_a_row_stay_together() -> None:
    for batch in stream(6, 9):
        assert (batch["row"] // ROWS == batch["image"][:, 0]).all()


def test_memory_holds_a_few_shards_however_many_there_are() -> None:
    width = 25_000
    shard_bytes = ROWS * width
    tracemalloc.start()
    try:
        for _ in stream(30, 8, width=width):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (WINDOW + 3) * shard_bytes
