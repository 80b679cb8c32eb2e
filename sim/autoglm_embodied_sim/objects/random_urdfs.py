"""The 1000 procedurally grown objects of `pybullet_data`, split into convex pieces by their makers.

Only the data of the wheel is needed, which set-up takes out of it on every Python; PyBullet is never imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import overload

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied_sim.objects.mesh_file import read_pieces
from autoglm_embodied_sim.objects.shape import Shape, shape_of
from autoglm_embodied_sim.objects.split import NUMBERS, Split, numbers

NATIVE_SCALE_M = 0.015


def folder() -> Path:
    """Where the objects lie; SetupError if the wheel that carries them is missing."""
    package = find_spec("pybullet_data")
    if package is None or package.origin is None:
        raise SetupError("the objects are missing; run `make prepare`, which takes them from the wheel pybullet==3.2.7")
    return Path(package.origin).parent / "random_urdfs"


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
    """Objects by number in their native size, whatever their split; for this room alone."""
    return [_read(folder(), number) for number in chosen]


@lru_cache(maxsize=1000)
def _read(objects: Path, number: int) -> Shape:
    name = f"{number:03d}"
    pieces = [NATIVE_SCALE_M * piece for piece in read_pieces(objects / name / f"{name}.obj")]
    return shape_of(f"random_urdfs/{name}", pieces)
