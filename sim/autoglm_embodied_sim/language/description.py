"""What a sentence says about the object it means, and which objects that fits: the one place with semantics.

Truth has three values. A comparison that is too close to call, or a noun that only some people would use, makes an
object doubtful; a sentence with a doubtful object is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from math import hypot

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.language.referent import Referent

APART_M = 0.015
"""Two places are told apart from here on."""
SIZE_RATIO = 1.15
"""Two sizes are told apart from here on, both in the hull's volume (its cube root) and from end to end."""


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
TOWARDS = {
    Relation.LEFT_OF: (0.0, 1.0),
    Relation.RIGHT_OF: (0.0, -1.0),
    Relation.IN_FRONT_OF: (-1.0, 0.0),
    Relation.BEHIND: (1.0, 0.0),
}
"""Unit vectors (x, y), base frame."""


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
    truth = [min(_coloured(description, obj), _called(description, obj)) for obj in objects]
    if description.relation is not None and description.anchor is not None:
        truth = _related(truth, description.relation, meaning(description.anchor, objects), objects)
    if description.rank is not None:
        truth = _standing_out(truth, BEATS[description.rank], objects, of_two=description.rank in OF_TWO)
    chosen = [tuple(index for index, is_so in enumerate(truth) if is_so is wanted) for wanted in (_YES, _MAYBE)]
    return Meaning(*chosen)


def _coloured(description: Description, obj: Referent) -> _Truth:
    return _YES if description.colour in (None, obj.colour) else _NO


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
    x, y = TOWARDS[relation]
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
