"""Samples on disk: safetensors files, each whole or absent, with a checksum that is verified when it is read.

What is learned from is read in random batches, with a few shards in memory at a time, however many there are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.whole_file import whole_file

Arrays = dict[str, NDArray[Any]]
METADATA_KEY = "about"  # the one entry of a file's metadata: several would be written in an order of chance


@dataclass(frozen=True)
class Schema:
    """What every shard of a kind holds."""

    kind: str
    version: int
    fields: Mapping[str, str]  # name to shape, type and meaning

    @property
    def identifier(self) -> str:
        """Kind and version; written into each shard, so that one of another version is told apart."""
        return f"{self.kind}/{self.version}"


@dataclass(frozen=True)
class Shard:
    """Arrays, and one note for each episode or scene in them: what is text rather than numbers."""

    arrays: Arrays
    notes: tuple[dict[str, Any], ...] = ()


def concatenate_shards(shards: Sequence[Shard]) -> Shard:
    """One after the other: the rows of every field, and the notes."""
    return Shard(joined([shard.arrays for shard in shards]), tuple(note for shard in shards for note in shard.notes))


def shard_path(directory: Path, kind: str, index: int) -> Path:
    """File of shard `index` of a kind."""
    return directory / f"{kind}-{index:05d}.safetensors"


def write_shard(path: Path, schema: Schema, shard: Shard, settings: str = "") -> None:
    """Write all fields at once: a reader sees a whole shard or none.

    Args:
        path: of the file.
        schema: says which fields there must be; ConfigError if one is missing or unknown.
        shard: what to write.
        settings: what was collected, as `read_settings` tells it again.
    """
    if set(shard.arrays) != set(schema.fields):
        raise ConfigError(f"a shard of {schema.kind} must hold {sorted(schema.fields)}, got {sorted(shard.arrays)}")
    arrays = {name: np.ascontiguousarray(array) for name, array in shard.arrays.items()}
    notes = json.dumps(shard.notes, sort_keys=True)
    metadata = {"schema": schema.identifier, "settings": settings, "notes": notes, "sha256": _digest(arrays, notes)}
    try:
        with whole_file(path) as partial:
            save_file(arrays, partial, {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"cannot write {path} ({error}); make room or name another folder") from error


def read_shard(path: Path, schema: Schema) -> Shard:
    """What a file of the schema holds, verified; ConfigError if it is damaged or of another version."""
    with _opened(path, schema) as (file, about):
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    if _digest(arrays, about["notes"]) != about["sha256"]:
        raise ConfigError(f"{path} is damaged: its checksum is another; delete it and collect again")
    return Shard(arrays, tuple(json.loads(about["notes"])))


def read_arrays(path: Path, schema: Schema) -> Arrays:
    """The arrays alone of a file of the schema; raises as `read_shard`."""
    return read_shard(path, schema).arrays


def read_settings(path: Path, schema: Schema) -> str:
    """What was collected into a file of the schema; its data is not read. ConfigError as for `read_shard`."""
    with _opened(path, schema) as (_, about):
        return about["settings"]


def kind_of(path: Path) -> str:
    """Which kind of schema a shard is of; its data is not read. ConfigError if the file is damaged or no shard."""
    with _opened(path) as (_, about):
        return about.get("schema", "none").partition("/")[0]


def shard_paths(directories: Sequence[Path]) -> list[Path]:
    """All shards of directories, in order; ConfigError if there is none."""
    paths = [path for directory in directories for path in sorted(directory.glob("*-*.safetensors"))]
    if not paths:
        raise ConfigError(f"no shards in {', '.join(map(str, directories))}; run autoglm collect --out DIR first")
    return paths


@contextmanager
def _opened(path: Path, schema: Schema | None = None) -> Iterator[tuple[Any, Mapping[str, str]]]:
    """A file and its metadata (schema, settings, notes, checksum); ConfigError if it is not of the schema given."""
    try:
        with safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
            found = about.get("schema", "none")
            if schema is not None and found != schema.identifier:
                raise ConfigError(
                    f"{path} was written by another version (schema {found}, wanted {schema.identifier}); "
                    "collect into a new folder"
                )
            yield file, about
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"cannot read {path}: {error}; delete it and collect again") from error


def _digest(arrays: Arrays, notes: str) -> str:
    """SHA-256 over names, types, shapes and values of all fields, and the notes."""
    digest = hashlib.sha256(notes.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


Indices = NDArray[np.int64]
Read = Callable[[], Arrays]  # reads one shard: fields whose first axis is the row
Select = Callable[[int, Arrays], Indices]  # rows of a shard, given its number and its fields, that are learned from

WINDOW = 3  # shards among which a batch is drawn


def shuffled_batches(shards: Sequence[Read], select: Select, size: int, rng: np.random.Generator) -> Iterator[Arrays]:
    """Every selected row once, in whole batches: shards come in random order, a batch is drawn from all that are open.

    Args:
        shards: how to read each; WINDOW are open at once, more only while they hold less than a batch.
        select: which rows of each.
        size: rows of a batch.
        rng: orders the shards and draws the rows.
    """
    waiting = rng.permutation(len(shards)).tolist()
    opened: list[tuple[Arrays, Indices]] = []  # a shard, and its rows still to come, in random order
    while True:
        while waiting and (len(opened) < WINDOW or _left(opened) < size):
            opened.append(_open(shards, waiting.pop(), select, rng))
            opened = [(arrays, rows) for arrays, rows in opened if len(rows)]
        if _left(opened) < size:
            return
        shares = rng.multivariate_hypergeometric([len(rows) for _, rows in opened], size)
        drawn = [take(arrays, rows[:share]) for (arrays, rows), share in zip(opened, shares, strict=True) if share]
        pairs = zip(opened, shares, strict=True)
        opened = [(arrays, rows[share:]) for (arrays, rows), share in pairs if share < len(rows)]
        yield joined(drawn)


def take(arrays: Arrays, rows: Indices) -> Arrays:
    """Some rows of every field, copied; they come in the order of the shard."""
    return {name: values[np.sort(rows)] for name, values in arrays.items()}


def joined(parts: Sequence[Arrays]) -> Arrays:
    """The rows of every field, one part after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _open(shards: Sequence[Read], shard: int, select: Select, rng: np.random.Generator) -> tuple[Arrays, Indices]:
    arrays = shards[shard]()
    return arrays, rng.permutation(select(shard, arrays))


def _left(opened: list[tuple[Arrays, Indices]]) -> int:
    return sum(len(rows) for _, rows in opened)
