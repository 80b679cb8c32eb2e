"""Who may see which objects and sentences: nothing that learns reaches those kept for measuring."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest
from autoglm_embodied_sim.eval.splits import MEASURING_NUMBERS, split_shapes
from autoglm_embodied_sim.objects import random_urdfs
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shape, learning_shapes, numbers
from sources import CORE, SIM, imports, modules

from autoglm_embodied.errors import ConfigError

DOOR = f"{SIM}.eval.splits"
BEHIND_THE_DOOR = f"{SIM}.objects.random_urdfs.read_shapes"
MAY_MEASURE = {f"{SIM}.eval.measure", f"{SIM}.nodes.sim_node"}
"""The only modules that may import the door: what measures, and the simulator that lays out its scenes."""

BLOCKED = f"""
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == {DOOR!r}:
            raise ImportError("what learns reached for " + name)
sys.meta_path.insert(0, Blocked())
for module in sys.argv[1:]:
    importlib.import_module(module)
"""


def graph() -> dict[str, set[str]]:
    """Every module, and the modules of this repository that it imports anywhere in its text."""
    known = {name for package in (CORE, SIM) for name in modules(package)}
    reached: dict[str, set[str]] = {name: set() for name in known}
    for package in (CORE, SIM):
        for found in imports(package):
            reached[found.module] |= known & {found.name, found.name.rpartition(".")[0]}
    return reached


def closure(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen, todo = set(), [start]
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += edges[module]
    return seen


def learners() -> list[str]:
    commands = [f"{CORE}.tools.cli.train", f"{SIM}.cli.collect"]
    rooms = tuple(f"{package}.{name}." for package, name in ((CORE, "data"), (CORE, "train"), (SIM, "collect")))
    learning = [name for package in (CORE, SIM) for name in modules(package) if name.startswith(rooms)]
    return commands + learning + [f"{SIM}.policies.expert"]


def test_nothing_that_learns_can_reach_what_is_for_measuring() -> None:
    edges = graph()
    assert DOOR in edges
    known = {f"{SIM}.collect.{name}" for name in ("collection", "primitive_samples", "demonstrations", "outcomes")}
    assert known | {f"{CORE}.data.collection", f"{CORE}.train.loop"} < set(learners())
    assert {name: "reaches" for name in learners() if DOOR in closure(name, edges)} == {}
    assert {name for name, targets in edges.items() if DOOR in targets} == MAY_MEASURE


def test_what_learns_runs_with_the_door_shut() -> None:
    environment = os.environ | {"MUJOCO_GL": "egl", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BLOCKED, *learners()]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_only_the_door_reads_objects_by_number() -> None:
    readers = {found.module for package in (CORE, SIM) for found in imports(package) if found.name == BEHIND_THE_DOOR}
    assert readers == {DOOR}
    named = [
        f"{name}: {node.value}"
        for package in (CORE, SIM)
        for name, path in modules(package).items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "pybullet_data" in node.value
        and not name.startswith(f"{SIM}.objects.")
    ]
    assert named == []


def test_the_splits_share_nothing_and_cover_all_but_the_broken() -> None:
    train, validate, measure = set(numbers(Split.TRAIN)), set(numbers(Split.VALIDATE)), set(MEASURING_NUMBERS)
    assert not train & validate and not train & measure and not validate & measure
    assert set(range(1000)) - train - validate - measure == {168, 295, 297, 602, 824}
    assert (min(validate), max(validate)) == (800, 899) and measure == set(range(900, 1000))


@pytest.mark.parametrize("number", [-1, 900, 999, 1000])
def test_learning_is_refused_an_object_for_measuring(number: int) -> None:
    with pytest.raises(ConfigError, match="for measuring"):
        learning_shape(number)


def test_every_split_gives_its_own_objects() -> None:
    assert [shape.name for shape in learning_shapes(Split.VALIDATE, 2)] == ["random_urdfs/800", "random_urdfs/801"]
    assert [shape.name for shape in split_shapes("test")][::99] == ["random_urdfs/900", "random_urdfs/999"]


def test_an_object_is_read_when_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(random_urdfs, "read_shapes", lambda chosen: read.extend(chosen) or list(chosen))
    shapes = learning_shapes(Split.TRAIN)
    assert len(shapes) == 796 and read == []
    assert (shapes[-1], shapes[10:12][1]) == (799, 11) and read == [799, 11]
