"""The 1000 procedurally grown objects of `pybullet_data`, split into convex pieces by their makers.

Only the data of the wheel is needed, which set-up takes out of it on every Python; PyBullet is never imported.
This is the one place that knows which of them are for what; those kept for measuring are named nowhere else than in
`eval.splits`, which nothing that learns may import.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import overload

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.objects.mesh_file import package_folder, read_pieces
from autoglm_embodied_sim.objects.shape import Shape, shape_of

NATIVE_SCALE_M = 0.015
BROKEN = frozenset({168})
"""Its file holds no numbers."""
SPECKS = frozenset({295, 297, 602, 824})
"""Smaller than a tenth of a millilitre in their native size: nothing that weighs 0.1 kg or more."""


class Split(Enum):
    """The objects that learning may see."""

    TRAIN = "train"
    VALIDATE = "validate"


NUMBERS = {Split.TRAIN: range(0, 800), Split.VALIDATE: range(800, 900)}


def numbers(split: Split) -> tuple[int, ...]:
    """The `random_urdfs` of a split, in order."""
    return tuple(number for number in NUMBERS[split] if number not in BROKEN | SPECKS)


def folder() -> Path:
    """Where the objects lie; SetupError if the wheel that carries them is missing."""
    missing = "the objects are missing; run `make prepare`, which takes them from the wheel pybullet==3.2.7"
    return package_folder("pybullet_data", missing) / "random_urdfs"


class LearningShapes(Sequence[Shape]):
    """Objects by number in their native size, each read when it is first looked at: few processes need all 800."""

    def __init__(self, chosen: Sequence[int]) -> None:
        self._numbers = tuple(chosen)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Shape: ...
    @overload
    def __getitem__(self, index: slice) -> LearningShapes: ...
    def __getitem__(self, index: int | slice) -> Shape | LearningShapes:
        if isinstance(index, slice):
            return LearningShapes(self._numbers[index])
        return learning_shape(self._numbers[index])


def learning_shapes(split: Split, count: int | None = None) -> LearningShapes:
    """The objects of a split; the first `count` of them, all by default."""
    return LearningShapes(numbers(split)[:count])


def learning_shape(number: int) -> Shape:
    """One object that learning may see; the others are refused."""
    if not any(number in seen for seen in NUMBERS.values()):
        last = max(seen.stop for seen in NUMBERS.values()) - 1
        raise ConfigError(f"learning may see the objects 0 to {last}, got {number}; the others are for measuring")
    return read_shapes([number])[0]


def read_shapes(chosen: Sequence[int]) -> list[Shape]:
    """Objects by number in their native size, whatever their split; for this file and `eval.splits` alone."""
    return [_read(folder(), number) for number in chosen]


@lru_cache(maxsize=1000)
def _read(objects: Path, number: int) -> Shape:
    name = f"{number:03d}"
    pieces = [NATIVE_SCALE_M * piece for piece in read_pieces(objects / name / f"{name}.obj")]
    return shape_of(f"random_urdfs/{name}", pieces)
