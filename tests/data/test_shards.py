"""Shards: what was written is read, and what is damaged or of another version is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.data.shards import Schema, Shard, concatenate_shards, read_settings, read_shard, write_shard
from autoglm_embodied.errors import ConfigError

SCHEMA = Schema("counts", 1, {"value": "(n,) int64", "weight": "(n, 2) float32"})


def shard(start: int) -> Shard:
    return Shard({"value": np.arange(start, start + 3), "weight": np.full((3, 2), start, np.float32)}, ({"s": start},))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_shard(tmp_path / "counts-00000.safetensors", SCHEMA, concatenate_shards([shard(0), shard(5)]), "abc")
    return tmp_path / "counts-00000.safetensors"


def test_what_was_written_is_read(path: Path) -> None:
    back = read_shard(path, SCHEMA)
    assert back.arrays["value"].tolist() == [0, 1, 2, 5, 6, 7]
    assert back.arrays["weight"].shape == (6, 2)
    assert back.notes == ({"s": 0}, {"s": 5})
    assert read_settings(path, SCHEMA) == "abc"


@pytest.mark.parametrize("where", [-1, -40, 330])
def test_one_wrong_bit_is_noticed(path: Path, where: int) -> None:
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=path.name):
        read_shard(path, SCHEMA)


def test_half_a_file_is_named(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ConfigError, match=f"cannot read .*{path.name}"):
        read_shard(path, SCHEMA)


def test_a_shard_of_another_version_says_what_to_do(path: Path) -> None:
    with pytest.raises(ConfigError, match="another version .*counts/1, wanted counts/2.*new folder"):
        read_shard(path, Schema("counts", 2, SCHEMA.fields))


def test_a_shard_with_other_fields_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold"):
        write_shard(tmp_path / "x.safetensors", SCHEMA, Shard({"value": np.arange(3)}))
    assert list(tmp_path.iterdir()) == []
