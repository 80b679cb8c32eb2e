"""Collecting into shards that survives being killed: what is done is on disk at once, and one unit a worker is lost.

A shard consists of units, such as an episode or a scene. A worker takes a whole shard, writes each unit as a file of
its own into the folder SHARD.parts as soon as it is done, and joins them when all are there. A unit follows from its
number alone, so that a collection which was killed ends with the same bytes as one that was not.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autoglm_embodied.data.shards import (
    Schema,
    Shard,
    concatenate_shards,
    read_settings,
    read_shard,
    shard_path,
    write_shard,
)
from autoglm_embodied.data.worker_pool import WorkerPool
from autoglm_embodied.errors import ConfigError

MakeUnit = Callable[[int], Shard]  # makes the unit of a number; it must be picklable


@dataclass(frozen=True)
class CollectionPlan:
    """What a folder is to hold: `units` of a schema, `per_shard` in each file, all of the same settings."""

    out: Path
    schema: Schema
    name: str  # of the files, such as demonstrations-pile
    units: int
    per_shard: int
    settings: str

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.units // self.per_shard)

    def path(self, index: int) -> Path:
        """File of a shard."""
        return shard_path(self.out, self.name, index)

    def units_folder(self, index: int) -> Path:
        """Folder of a shard's units until all of them are there."""
        return self.path(index).with_suffix(".parts")


@dataclass(frozen=True)
class Collected:
    """What one run added: how many shards it wrote and found, and the notes of the units that it made itself."""

    shards: int
    found: int
    notes: tuple[dict[str, Any], ...]


def settings_digest(settings: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that stand for all settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def collect_missing_shards(
    plan: CollectionPlan, make_unit: MakeUnit, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> Collected:
    """Write all shards that are not there.

    Args:
        plan: what the folder is to hold; ConfigError if it cannot be written, another collection writes to it, or it
            holds something else.
        make_unit: makes the unit of a number, in a worker process.
        workers: processes.
        progress: called with shards done and shards in all.
    """
    with _locked(plan.out):
        missing = [index for index in range(plan.shards) if not _is_complete(plan, index)]
        notes: list[dict[str, Any]] = []
        with WorkerPool(partial(collect_shard, plan, make_unit), workers) as pool:
            for done, (_, made) in enumerate(pool.as_completed(missing), plan.shards - len(missing) + 1):
                notes += made
                if progress is not None:
                    progress(done, plan.shards)
    return Collected(len(missing), plan.shards - len(missing), tuple(notes))


def collect_shard(plan: CollectionPlan, make_unit: MakeUnit, index: int) -> list[dict[str, Any]]:
    """Write shard `index` of a plan; returns the notes of the units that were not there."""
    folder = plan.units_folder(index)
    folder.mkdir(exist_ok=True)
    units: list[Shard] = []
    notes: list[dict[str, Any]] = []
    for number in range(index * plan.per_shard, min((index + 1) * plan.per_shard, plan.units)):
        path = folder / f"{number:06d}.safetensors"
        unit = _read_complete_unit(path, plan)
        if unit is None:
            unit = make_unit(number)
            write_shard(path, plan.schema, unit, plan.settings)
            notes += unit.notes
        units.append(unit)
    write_shard(plan.path(index), plan.schema, concatenate_shards(units), plan.settings)
    shutil.rmtree(folder)
    return notes


def _read_complete_unit(path: Path, plan: CollectionPlan) -> Shard | None:
    """A unit that an earlier run finished; None if there is none, or not a whole one of these settings."""
    try:
        return read_shard(path, plan.schema) if read_settings(path, plan.schema) == plan.settings else None
    except ConfigError:
        return None


def _is_complete(plan: CollectionPlan, index: int) -> bool:
    """Whether a shard is done; ConfigError if its file holds something else."""
    path = plan.path(index)
    if not path.exists():
        return False
    if read_settings(path, plan.schema) != plan.settings:
        raise ConfigError(f"{path} was collected with other settings; name a new folder with --out")
    shutil.rmtree(plan.units_folder(index), ignore_errors=True)  # killed between writing it and this
    return True


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder, for this process alone; the lock goes with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(f"another collection writes to {folder}; wait for it or name another") from error
            yield
    except OSError as error:
        raise ConfigError(f"cannot write to {folder} ({error.strerror}); name another with --out") from error
