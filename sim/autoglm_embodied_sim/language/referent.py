"""The objects of a scene as a description sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.language.nouns import Nouns, nouns_of
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.tabletop.item import Item


@dataclass(frozen=True)
class Referent:
    """One object that a sentence may mean.

    Positions are in the fixed base frame. Left, right, in front and behind are said as by someone who stands at the
    robot's base and looks along +x: left is +y, to the front is -x.
    """

    colour: str
    nouns: Nouns
    size_m: float  # edge of a cube as large as the object's hull
    span_m: float  # from its one end to the other
    x_m: float
    y_m: float


def referents(items: Sequence[Item], position_m: FloatArray) -> tuple[Referent, ...]:
    """The items of a scene whose centres rest at `position_m` (count, 3), base frame."""
    places = [(float(x), float(y)) for x, y, _ in position_m]
    return tuple(
        Referent(item.colour, nouns_of(item.shape), *_size(item.shape), *place)
        for item, place in zip(items, places, strict=True)
    )


def _size(shape: Shape) -> tuple[float, float]:
    hull = ConvexHull(np.concatenate(shape.pieces))
    return float(np.cbrt(hull.volume)), float(pdist(hull.points[hull.vertices]).max())
