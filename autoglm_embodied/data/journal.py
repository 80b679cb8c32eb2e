"""Collecting that survives being killed: what is done is on disk at once, and no more than one piece can be lost.

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
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from autoglm_embodied.data.shards import Schema, Shard, joined, read_shard, settings_of, shard_path, write_shard
from autoglm_embodied.data.workers import end_with_parent
from autoglm_embodied.errors import ConfigError

Produce = Callable[[int], Shard]
"""Makes the unit of a number; it must be picklable."""


@dataclass(frozen=True)
class Plan:
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

    def units_of(self, index: int) -> range:
        """Numbers of the units of a shard."""
        return range(index * self.per_shard, min((index + 1) * self.per_shard, self.units))


@dataclass(frozen=True)
class Written:
    """What one run added: how many shards it wrote and found, and the notes of the units that it made itself."""

    shards: int
    found: int
    notes: tuple[dict[str, Any], ...]


def settings_digest(settings: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that stand for all settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def write_missing(
    plan: Plan, produce: Produce, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> Written:
    """Write all shards that are not there; `progress` is called with shards done and shards in all.

    Raises:
        ConfigError: the folder cannot be written, another collection writes to it, or it holds something else.
    """
    with _owned(plan.out):
        missing = [index for index in range(plan.shards) if not _there(plan, index)]
        notes: list[dict[str, Any]] = []
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=end_with_parent) as pool:
            jobs = [pool.submit(write_one, plan, produce, index) for index in missing]
            for done, job in enumerate(as_completed(jobs), plan.shards - len(missing) + 1):
                notes += job.result()
                if progress is not None:
                    progress(done, plan.shards)
    return Written(len(missing), plan.shards - len(missing), tuple(notes))


def write_one(plan: Plan, produce: Produce, index: int) -> list[dict[str, Any]]:
    """One shard; returns the notes of the units that were not there."""
    folder = _parts(plan, index)
    folder.mkdir(exist_ok=True)
    units: list[Shard] = []
    notes: list[dict[str, Any]] = []
    for number in plan.units_of(index):
        path = folder / f"{number:06d}.safetensors"
        unit = _kept(path, plan)
        if unit is None:
            unit = produce(number)
            write_shard(path, plan.schema, unit, plan.settings)
            notes += unit.notes
        units.append(unit)
    write_shard(plan.path(index), plan.schema, joined(units), plan.settings)
    shutil.rmtree(folder)
    return notes


def _kept(path: Path, plan: Plan) -> Shard | None:
    """A unit that an earlier run finished; None if there is none, or not a whole one of these settings."""
    try:
        return read_shard(path, plan.schema) if settings_of(path, plan.schema) == plan.settings else None
    except ConfigError:
        return None


def _there(plan: Plan, index: int) -> bool:
    """Whether a shard is done; ConfigError if its file holds something else."""
    path = plan.path(index)
    if not path.exists():
        return False
    if settings_of(path, plan.schema) != plan.settings:
        raise ConfigError(f"{path} was collected with other settings; name a new folder with --out")
    shutil.rmtree(_parts(plan, index), ignore_errors=True)  # killed between writing it and this
    return True


def _parts(plan: Plan, index: int) -> Path:
    return plan.path(index).with_suffix(".parts")


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
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
