"""The objects that a collection draws its scenes from, and the seeds of its scenes."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.objects.shape import Shape

MOST_SCENES = 1_000_000
"""Of a collection: then the seeds of the next one begin."""


def check_split(split: str) -> None:
    """ConfigError with the valid ones unless learning may see the objects of this split."""
    known = [each.value for each in Split]
    if split not in known:
        raise ConfigError(f"learning may see the objects of {', '.join(known)}, got {split!r}")


def shapes(split: str) -> Sequence[Shape]:
    """All objects of a split."""
    return learning_shapes(Split(split))


def episode_seed(seed: int, number: int) -> int:
    """Seed of a scene; collections of different seeds share none.

    Args:
        seed: of the collection.
        number: of the scene, from 0.
    """
    return seed * MOST_SCENES + number
