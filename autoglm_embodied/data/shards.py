"""Samples on disk: safetensors files, each whole or absent, with a checksum that is verified when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
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
METADATA_KEY = "about"
"""The one entry of a file's metadata: several would be written in an order of chance."""


@dataclass(frozen=True)
class Schema:
    """What every shard of a kind holds: its version, and shape, type and meaning of each field."""

    kind: str
    version: int
    fields: Mapping[str, str]

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
    arrays = {name: np.concatenate([shard.arrays[name] for shard in shards]) for name in shards[0].arrays}
    return Shard(arrays, tuple(note for shard in shards for note in shard.notes))


def shard_path(directory: Path, kind: str, index: int) -> Path:
    """File of shard `index` of a kind."""
    return directory / f"{kind}-{index:05d}.safetensors"


def write_shard(path: Path, schema: Schema, shard: Shard, settings: str = "") -> None:
    """Write all fields at once: a reader sees a whole shard or none.

    Args:
        path: of the file.
        schema: says which fields there must be.
        shard: what to write.
        settings: what was collected, as `read_settings` tells it again.

    Raises:
        ConfigError: a field is missing or unknown, or the file cannot be written.
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
    """What a file holds, verified.

    Args:
        path: of the file.
        schema: that it must have.

    Raises:
        ConfigError: the file is damaged or of another version.
    """
    with _opened(path) as file:
        metadata = _metadata(path, schema, file.metadata())
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    if _digest(arrays, metadata["notes"]) != metadata["sha256"]:
        raise ConfigError(f"{path} is damaged: its checksum is another; delete it and collect again")
    return Shard(arrays, tuple(json.loads(metadata["notes"])))


def kind_of(path: Path) -> str:
    """Which kind of schema a shard is of, as `Schema.kind`; its data is not read.

    Raises:
        ConfigError: the file is damaged or no shard.
    """
    with _opened(path) as file:
        about: Mapping[str, str] = json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
    return about.get("schema", "none").partition("/")[0]


def read_settings(path: Path, schema: Schema) -> str:
    """What was collected into a shard; its data is not read.

    Args:
        path: of the file.
        schema: that it must have.

    Raises:
        ConfigError: the file is damaged or of another version.
    """
    with _opened(path) as file:
        return _metadata(path, schema, file.metadata())["settings"]


def shard_paths(directories: Sequence[Path], pattern: str = "*-*") -> list[Path]:
    """All shards of directories, in order.

    Args:
        directories: to look in, in this order.
        pattern: of the names, without their suffix.

    Raises:
        ConfigError: there is none.
    """
    paths = [path for directory in directories for path in sorted(directory.glob(f"{pattern}.safetensors"))]
    if not paths:
        raise ConfigError(f"no shards in {', '.join(map(str, directories))}; run autoglm collect --out DIR first")
    return paths


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, "np") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"cannot read {path}: {error}; delete it and collect again") from error


def _metadata(path: Path, schema: Schema, entries: Mapping[str, str] | None) -> Mapping[str, str]:
    """Identifier, settings, notes and checksum of a shard; ConfigError if it is of another schema."""
    metadata: Mapping[str, str] = json.loads((entries or {}).get(METADATA_KEY, "{}"))
    if metadata.get("schema") != schema.identifier:
        found = metadata.get("schema", "none")
        raise ConfigError(
            f"{path} was written by another version (schema {found}, wanted {schema.identifier}); "
            "collect into a new folder"
        )
    return metadata


def _digest(arrays: Arrays, notes: str) -> str:
    """SHA-256 over names, types, shapes and values of all fields, and the notes."""
    digest = hashlib.sha256(notes.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
