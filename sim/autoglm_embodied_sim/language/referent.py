"""What an instruction may refer to: an object's colour, size and place, and the nouns it can be called by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.groceries import NAMES, PREFIX
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.scene_object import SceneObject

CUBE, CYLINDER, BALL = "cube", "cylinder", "ball"
CLASSES = (CUBE, CYLINDER, BALL)
"""Of shape. To `vocabulary`, "box" is another word for a cube and "can" one for a cylinder; so they are here."""
GROCERIES = tuple(name for name in NAMES if name != "can")
NOUNS = (*CLASSES, *GROCERIES)
"""All nouns that a description may use; grammars have their own words for them."""

LOOKS_LIKE = {"bread": CUBE, "cereal": CUBE, "milk": CUBE, "bottle": CYLINDER, "mug": CYLINDER, "lemon": BALL}
EQUAL_EDGES = 1.05
COMPACT = 0.85
"""Share of its hull that a nameless object fills from which on somebody may see a cube, a cylinder or a ball in it."""


@dataclass(frozen=True)
class Nouns:
    """Nouns of NOUNS for one object; whatever is in neither set is surely wrong."""

    sure: frozenset[str]
    doubtful: frozenset[str]


def nouns_of(shape: Shape) -> Nouns:
    """What people call this shape; "object", "thing" and "one" fit everything and are not listed."""
    if shape.name.startswith(PREFIX):
        name = shape.name.removeprefix(PREFIX)
        likeness = {LOOKS_LIKE[name]} if name in LOOKS_LIKE else set()
        return Nouns(frozenset({CYLINDER if name == "can" else name}), frozenset(likeness))
    if shape.name == "box":
        edges = np.ptp(shape.pieces[0], axis=0)
        cube = frozenset({CUBE})
        return Nouns(cube, frozenset()) if edges.max() < EQUAL_EDGES * edges.min() else Nouns(frozenset(), cube)
    if shape.name in CLASSES:
        return Nouns(frozenset({shape.name}), frozenset())
    compact = shape.volume_m3 > COMPACT * ConvexHull(np.concatenate(shape.pieces)).volume
    return Nouns(frozenset(), frozenset(CLASSES if compact else ()))


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


def referents(objects: Sequence[SceneObject], position_m: FloatArray) -> tuple[Referent, ...]:
    """The objects of a scene whose centres rest at `position_m` (count, 3), base frame."""
    places = [(float(x), float(y)) for x, y, _ in position_m]
    return tuple(
        Referent(obj.colour, nouns_of(obj.shape), *_size(obj.shape), *place)
        for obj, place in zip(objects, places, strict=True)
    )


def _size(shape: Shape) -> tuple[float, float]:
    hull = ConvexHull(np.concatenate(shape.pieces))
    return float(np.cbrt(hull.volume)), float(pdist(hull.points[hull.vertices]).max())
