"""What a sentence says about the object it means, and which objects that fits: the one place with semantics.

Truth has three values. A comparison that is too close to call, or a noun that only some people would use, makes an
object doubtful; a sentence with a doubtful object is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from math import hypot

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import SHAPES, SIDES
from autoglm_embodied_sim.objects.groceries import PREFIX
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.scene_object import SceneObject

CUBE, CYLINDER, BALL = SHAPES

LOOKS_LIKE = {"bread": CUBE, "cereal": CUBE, "milk": CUBE, "bottle": CYLINDER, "mug": CYLINDER, "lemon": BALL}
EQUAL_EDGES = 1.05
COMPACT = 0.85
"""Share of its hull that a nameless object fills from which on somebody may see a cube, a cylinder or a ball in it."""
APART_M = 0.015
"""Two places are told apart from here on."""
SIZE_RATIO = 1.15
"""Two sizes are told apart from here on, both in the hull's volume (its cube root) and from end to end."""


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
    if shape.name in SHAPES:
        return Nouns(frozenset({shape.name}), frozenset())
    compact = shape.volume_m3 > COMPACT * ConvexHull(np.concatenate(shape.pieces)).volume
    return Nouns(frozenset(), frozenset(SHAPES if compact else ()))


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


class Rank(Enum):
    """Stands out among all that the rest of the description fits."""

    SMALLER = "smaller"  # of exactly two
    BIGGER = "bigger"  # of exactly two
    SMALLEST = "smallest"
    BIGGEST = "biggest"
    LEFTMOST = "leftmost"
    RIGHTMOST = "rightmost"
    FRONTMOST = "frontmost"  # smallest x
    REARMOST = "rearmost"


class Relation(Enum):
    """Where the object lies, seen from another; sides are half-planes, as in CLEVR (Johnson et al., CVPR 2017)."""

    LEFT_OF = "left_of"
    RIGHT_OF = "right_of"
    IN_FRONT_OF = "in_front_of"  # between it and the robot's base: smaller x
    BEHIND = "behind"
    CLOSEST_TO = "closest_to"  # of all that the rest of the description fits


OF_TWO = frozenset({Rank.SMALLER, Rank.BIGGER})


@dataclass(frozen=True)
class Description:
    """Everything that a sentence says; what is None goes unsaid."""

    colour: str | None = None
    noun: str | None = None
    rank: Rank | None = None
    relation: Relation | None = None
    anchor: Description | None = None  # what the relation refers to: a colour, a noun or both

    def __post_init__(self) -> None:
        if (self.relation is None) != (self.anchor is None):
            raise ConfigError("a relation needs an anchor, and an anchor a relation")
        if self.anchor is not None and (self.anchor.rank or self.anchor.relation):
            raise ConfigError("an anchor must be described by colour and noun alone")
        if self.relation is Relation.CLOSEST_TO and self.rank is not None:
            raise ConfigError("what is closest to something cannot be ranked as well")

    def without_rank(self) -> Description:
        """The same, less its rank."""
        return replace(self, rank=None)

    def without_relation(self) -> Description:
        """The same, less its relation."""
        return replace(self, relation=None, anchor=None)


@dataclass(frozen=True)
class Meaning:
    """Indices of the objects that a description fits, and of those for which that is unclear."""

    fits: tuple[int, ...]
    doubtful: tuple[int, ...]

    @property
    def clear(self) -> bool:
        """Whether nothing is in doubt."""
        return not self.doubtful


class _Truth(IntEnum):
    NO, MAYBE, YES = range(3)


_NO, _MAYBE, _YES = _Truth
Beats = Callable[[Referent, Referent], bool]


def meaning(description: Description, objects: Sequence[Referent]) -> Meaning:
    """Which of the objects a description fits."""
    truth = [_called(description, obj) if description.colour in (None, obj.colour) else _NO for obj in objects]
    if description.relation is not None and description.anchor is not None:
        truth = _related(truth, description.relation, meaning(description.anchor, objects), objects)
    if description.rank is not None:
        truth = _standing_out(truth, BEATS[description.rank], objects, of_two=description.rank in OF_TWO)
    chosen = [tuple(index for index, is_so in enumerate(truth) if is_so is wanted) for wanted in (_YES, _MAYBE)]
    return Meaning(*chosen)


def _called(description: Description, obj: Referent) -> _Truth:
    if description.noun is None or description.noun in obj.nouns.sure:
        return _YES
    return _MAYBE if description.noun in obj.nouns.doubtful else _NO


def _related(truth: list[_Truth], relation: Relation, anchor: Meaning, objects: Sequence[Referent]) -> list[_Truth]:
    """What is true of each object if it must also be so related to the anchor; nothing is so to itself."""
    if not anchor.clear or len(anchor.fits) > 1:
        return [min(is_so, _MAYBE) for is_so in truth]
    if not anchor.fits:
        return [_NO] * len(truth)
    origin = objects[anchor.fits[0]]
    others = [_NO if obj is origin else is_so for is_so, obj in zip(truth, objects, strict=True)]
    if relation is Relation.CLOSEST_TO:
        return _standing_out(others, lambda one, other: _away(other, origin) - _away(one, origin) >= APART_M, objects)
    return [min(is_so, _beside(obj, origin, relation)) for is_so, obj in zip(others, objects, strict=True)]


def _beside(obj: Referent, origin: Referent, relation: Relation) -> _Truth:
    x, y = SIDES[relation.value]
    offset = (obj.x_m - origin.x_m) * x + (obj.y_m - origin.y_m) * y
    return _YES if offset >= APART_M else _NO if offset <= -APART_M else _MAYBE


def _away(one: Referent, other: Referent) -> float:
    return hypot(one.x_m - other.x_m, one.y_m - other.y_m)


def _standing_out(truth: list[_Truth], beats: Beats, objects: Sequence[Referent], of_two: bool = False) -> list[_Truth]:
    """Of all candidates, the one that clearly beats every other; whom nobody clearly beats is in doubt otherwise.

    Nothing stands out among fewer than two, and "the smaller" is said of two only.
    """
    candidates = [index for index, is_so in enumerate(truth) if is_so is not _NO]
    sensible = len(candidates) == 2 if of_two else len(candidates) >= 2
    if _MAYBE in truth or not sensible:
        return [min(is_so, _MAYBE) for is_so in truth]

    def verdict(index: int) -> _Truth:
        rivals = [objects[other] for other in candidates if other != index]
        if index not in candidates or any(beats(rival, objects[index]) for rival in rivals):
            return _NO
        return _YES if all(beats(objects[index], rival) for rival in rivals) else _MAYBE

    return [verdict(index) for index in range(len(objects))]


def _smaller(one: Referent, other: Referent) -> bool:
    return other.size_m >= SIZE_RATIO * one.size_m and other.span_m >= SIZE_RATIO * one.span_m


def _bigger(one: Referent, other: Referent) -> bool:
    return _smaller(other, one)


BEATS: dict[Rank, Beats] = {
    Rank.SMALLER: _smaller,
    Rank.SMALLEST: _smaller,
    Rank.BIGGER: _bigger,
    Rank.BIGGEST: _bigger,
    Rank.LEFTMOST: lambda one, other: one.y_m - other.y_m >= APART_M,
    Rank.RIGHTMOST: lambda one, other: other.y_m - one.y_m >= APART_M,
    Rank.FRONTMOST: lambda one, other: other.x_m - one.x_m >= APART_M,
    Rank.REARMOST: lambda one, other: one.x_m - other.x_m >= APART_M,
}
