"""Collections that are killed, resumed, damaged or put into the wrong folder."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.data.collection import CollectionPlan, collect_missing_shards, collect_shard
from autoglm_embodied.data.shards import Schema, Shard, read_shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli import main

SCHEMA = Schema("squares", 1, {"square": "(n,) int64"})
Made = tuple[list[int], Callable[[int], Shard]]


@pytest.fixture
def plan(tmp_path: Path) -> CollectionPlan:
    return CollectionPlan(tmp_path, SCHEMA, "squares", units=7, per_shard=3, settings="one")


@pytest.fixture
def made() -> Made:
    """Which units were made, and what makes them."""
    numbers: list[int] = []

    def make_unit(number: int) -> Shard:
        numbers.append(number)
        return Shard({"square": np.full(2, number**2)}, ({"number": number},))

    return numbers, make_unit


def test_a_shard_is_its_units_in_order(plan: CollectionPlan, made: Made) -> None:
    for index in range(plan.shards):
        collect_shard(plan, made[1], index)
    values = [read_shard(plan.path(index), SCHEMA).arrays["square"].tolist() for index in range(plan.shards)]
    assert values == [[0, 0, 1, 1, 4, 4], [9, 9, 16, 16, 25, 25], [36, 36]]
    assert not list(plan.out.glob("*.parts"))


def test_units_that_are_whole_are_kept_and_others_made_again(plan: CollectionPlan, made: Made) -> None:
    numbers, make_unit = made

    def stops(number: int) -> Shard:
        if number == 2:
            raise KeyboardInterrupt
        return make_unit(number)

    with pytest.raises(KeyboardInterrupt):
        collect_shard(plan, stops, 0)
    first, second = sorted(plan.out.glob("*.parts/*.safetensors"))
    second.write_bytes(second.read_bytes()[:-1])
    assert collect_shard(plan, make_unit, 0) == [{"number": 1}, {"number": 2}]
    assert numbers == [0, 1, 1, 2]
    assert len(read_shard(plan.path(0), SCHEMA).notes) == 3


def test_units_of_other_settings_are_made_again(plan: CollectionPlan, made: Made) -> None:
    with pytest.raises(ZeroDivisionError):
        collect_shard(plan, lambda number: made[1](number) if number == 0 else Shard({"square": np.ones(1 // 0)}), 0)
    collect_shard(replace(plan, settings="other"), made[1], 0)
    assert made[0] == [0, 0, 1, 2]


def test_a_folder_of_other_settings_is_refused(plan: CollectionPlan, made: Made) -> None:
    collect_shard(plan, made[1], 0)
    with pytest.raises(ConfigError, match="squares-00000.* other settings.*--out"):
        collect_missing_shards(replace(plan, settings="other"), made[1])


def test_two_collections_never_share_a_folder(plan: CollectionPlan, made: Made) -> None:
    with (plan.out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another collection writes"):
            collect_missing_shards(plan, made[1])


def test_a_folder_that_cannot_be_written_is_named(plan: CollectionPlan, made: Made) -> None:
    (plan.out / "file").touch()
    with pytest.raises(ConfigError, match="cannot write to .*file.*--out"):
        collect_missing_shards(replace(plan, out=plan.out / "file"), made[1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "heap"], "there is no suite 'heap'"),
        (["--suite", "pile", "--split", "test"], "learning may see the objects of train, validate, got 'test'"),
        (["--suite", "pile", "--outcomes", "5", "--split", "test"], "objects of train, validate, got 'test'"),
        (["--suite", "pile", "--outcomes", "0"], "must be 1 or more"),
        (["--suite", "pile", "--image-hz", "0"], "more than 0"),
        (["--suite", "pile", "--checkpoint", "x"], "--checkpoint is of --dagger or --outcomes"),
        (["--suite", "pile", "--outcomes", "5", "--checkpoint", "nowhere"], "no checkpoint in nowhere"),
        (["--outcomes", "5"], "outcomes are of suites of unknown objects; name one"),
    ],
)
def test_impossible_collections_are_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", "--out", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err
