"""Which of the objects that are seen a description means: none, one or many, and how sure that is.

What the camera says of an object is uncertain. So the description is read many times, each time of objects whose
colour, name, size and place are drawn from what they may be, and the share of the readings is the probability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.model.instances import Instance
from autoglm_embodied.types import FloatArray, Referent
from autoglm_embodied.vocabulary import COLOURS, NOUNS, SIDES, SYNONYMS

READINGS = 100
SIZE_SIGMA, PLACE_SIGMA_M = 0.05, 0.004  # of the logarithm of a size, and of a place, as the segmenter tells them
SMALLEST, LARGEST = ("small", "smallest", "short"), ("large", "largest", "long")
PLACES = dict(zip(("left", "right", "front", "back"), SIDES.values(), strict=True))
NEXT_TO = "next_to"
NO_NOUNS: Mapping[str, FloatArray] = {}
Chosen = NDArray[np.bool_]  # (n,) which of the objects


class UnknownWord(Exception):
    """The description says what cannot be seen, or has no name here."""


@dataclass(frozen=True)
class Reference:
    """What a description means."""

    referent: Referent
    index: int | None  # of the object, where it means one
    probability: float  # that this is so


@dataclass(frozen=True)
class _Drawn:
    """One guess at n objects."""

    colour: NDArray[np.int64]  # (n,) index into COLOURS
    called: NDArray[np.bool_]  # (n, nouns)
    nouns: tuple[str, ...]
    size_m: FloatArray  # (n,) geometric mean of edge and length
    place_m: FloatArray  # (n, 2) x, y


def unknown_nouns(slots: Mapping[str, str]) -> list[str]:
    """The nouns of a description that are in no vocabulary, such as "screwdriver"."""
    said = [slots[slot] for slot in ("noun", "ref_noun", "not_noun") if slot in slots]
    return [noun for noun in dict.fromkeys(said) if SYNONYMS.get(noun, noun) not in NOUNS]


def refer(
    slots: Mapping[str, str],
    objects: Sequence[Instance],
    rng: np.random.Generator,
    further: Mapping[str, FloatArray] = NO_NOUNS,
) -> Reference:
    """What a description means among objects.

    Args:
        slots: as the command grammar understands a grasp, such as colour, noun, size, place, relation, ref_colour.
        objects: that are seen.
        rng: draws what they may be.
        further: nouns beyond the vocabulary, each with the probability (n,) that it names an object.
    """
    if not objects:
        return Reference(Referent.NONE, None, 1.0)
    try:
        fits = [np.flatnonzero(_fitting(slots, _draw(objects, further, rng))).tolist() for _ in range(READINGS)]
    except UnknownWord:
        return Reference(Referent.NONE, None, 1.0)
    kinds = Counter(Referent.NONE if not each else Referent.ONE if len(each) == 1 else Referent.MANY for each in fits)
    meant = Counter(each[0] for each in fits if len(each) == 1)
    index, votes = meant.most_common(1)[0] if meant else (None, 0)
    kind, most = max(((kind, kinds[kind]) for kind in (Referent.NONE, Referent.MANY)), key=lambda pair: pair[1])
    if index is None or most > votes:
        return Reference(kind, None, most / READINGS)
    return Reference(Referent.ONE, index, votes / READINGS)


def _draw(objects: Sequence[Instance], further: Mapping[str, FloatArray], rng: np.random.Generator) -> _Drawn:
    colour = [int(rng.choice(len(obj.colour), p=obj.colour / obj.colour.sum())) for obj in objects]
    noun = np.column_stack([np.array([obj.noun for obj in objects]), *further.values()])
    size_m = np.array([np.sqrt(obj.size_m * obj.span_m) for obj in objects])
    place_m = np.array([obj.centre_m[:2] for obj in objects])
    return _Drawn(
        np.array(colour),
        rng.random(noun.shape) < noun,
        (*NOUNS, *further),
        size_m * np.exp(SIZE_SIGMA * rng.standard_normal(len(objects))),
        place_m + PLACE_SIGMA_M * rng.standard_normal(place_m.shape),
    )


def _fitting(slots: Mapping[str, str], drawn: _Drawn) -> Chosen:
    """The objects that a description fits, if they are what was drawn; UnknownWord where it cannot be told."""
    chosen = _called(slots.get("colour"), slots.get("noun"), drawn)
    if excluded := {name: slots[f"not_{name}"] for name in ("colour", "noun") if f"not_{name}" in slots}:
        chosen &= ~_called(excluded.get("colour"), excluded.get("noun"), drawn)
    if relation := slots.get("relation"):
        chosen = _related(chosen, relation, _anchors(slots, drawn), drawn)
    if size := slots.get("size"):
        chosen = _ranked(chosen, _sign(size) * drawn.size_m)
    if place := slots.get("place"):
        chosen = _ranked(chosen, _outwards(chosen, place, drawn))
    return chosen


def _called(colour: str | None, noun: str | None, drawn: _Drawn) -> Chosen:
    chosen = np.ones(len(drawn.colour), bool)
    if colour is not None:
        chosen &= drawn.colour == _index(SYNONYMS.get(colour, colour), COLOURS)
    if noun is not None:
        chosen &= drawn.called[:, _index(SYNONYMS.get(noun, noun), drawn.nouns)]
    return chosen


def _index(word: str, known: Sequence[str]) -> int:
    if word not in known:
        raise UnknownWord(word)
    return known.index(word)


def _anchors(slots: Mapping[str, str], drawn: _Drawn) -> Chosen:
    """The objects that a relation may refer to."""
    anchors = _called(slots.get("ref_colour"), slots.get("ref_noun"), drawn)
    return _ranked(anchors, _sign(slots["ref_size"]) * drawn.size_m) if "ref_size" in slots else anchors


def _related(chosen: Chosen, relation: str, anchors: Chosen, drawn: _Drawn) -> Chosen:
    """Those that are so related to the one anchor; all of them where there are several anchors, none without."""
    if anchors.sum() != 1:
        return chosen if anchors.any() else np.zeros_like(chosen)
    origin_m, others = drawn.place_m[anchors][0], chosen & ~anchors
    if relation == NEXT_TO:
        return _ranked(others, -np.linalg.norm(drawn.place_m - origin_m, axis=1))
    if relation not in SIDES:
        raise UnknownWord(relation)
    return np.asarray(others & ((drawn.place_m - origin_m) @ SIDES[relation] > 0))


def _ranked(chosen: Chosen, score: FloatArray) -> Chosen:
    """The one with the highest score, if any was chosen."""
    best = np.zeros(len(chosen), bool)
    if chosen.any():
        best[np.argmax(np.where(chosen, score, -np.inf))] = True
    return best


def _sign(size: str) -> float:
    if size not in SMALLEST + LARGEST:
        raise UnknownWord(size)
    return 1.0 if size in LARGEST else -1.0


def _outwards(chosen: Chosen, place: str, drawn: _Drawn) -> FloatArray:
    """(n,) how far each lies in the direction of a place, or how near the middle of those chosen."""
    if place in PLACES:
        return np.asarray(drawn.place_m @ PLACES[place])
    middle_m = drawn.place_m[chosen].mean(axis=0) if chosen.any() else np.zeros(2)
    return np.asarray(-np.linalg.norm(drawn.place_m - middle_m, axis=1))
