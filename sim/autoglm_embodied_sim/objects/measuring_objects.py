"""The door to the objects kept for measuring. Nothing that collects, trains or tunes may import this module."""

from __future__ import annotations

from autoglm_embodied_sim.objects.random_urdfs import read_shapes
from autoglm_embodied_sim.objects.shape import Shape

NUMBERS = range(900, 1000)


def measuring_shapes(count: int | None = None) -> list[Shape]:
    """The unknown objects in their native size; the first `count` of them, all by default."""
    return read_shapes(NUMBERS[:count])
