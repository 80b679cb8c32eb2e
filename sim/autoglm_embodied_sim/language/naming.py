"""Descriptions drawn for a scene: those that fit one object alone, those that fit none, those that fit several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from autoglm_embodied.vocabulary import COLOURS
from autoglm_embodied_sim.language.description import Description, Rank, Relation, meaning
from autoglm_embodied_sim.language.referent import NOUNS, Referent

Referents = Sequence[Referent]
Form = tuple[str, ...]
FORMS: tuple[Form, ...] = (
    ("colour",),
    ("noun",),
    ("colour", "noun"),
    *((*named, "rank") for named in ((), ("colour",), ("noun",), ("colour", "noun"))),
    *((*named, "relation") for named in ((), ("colour",), ("noun",), ("colour", "noun"))),
    *((*named, "rank", "relation") for named in ((), ("colour",), ("noun",))),
)
"""What a description may say."""
PLAIN_FIRST = 0.5
"""Share of the descriptions that say a colour or a noun and no more, wherever that is enough."""
RELATED = 0.4
"""Share of the descriptions which fit none or several that speak of a relation, if one can be found."""


def naming(objects: Referents, target: int, rng: np.random.Generator) -> Description | None:
    """A description that clearly fits the target alone, its form drawn first; None if there is none.

    Of an object that lies alone nothing need be said.
    A rank or a relation is only said where it is needed: without it, the rest would not fit the target alone.
    """
    if len(objects) == 1:
        return Description()
    forms = [FORMS[index] for index in rng.permutation(len(FORMS))]
    if rng.random() < PLAIN_FIRST:
        forms.sort(key=lambda form: ("rank" in form) + ("relation" in form))
    for form in forms:
        options = [option for option in _of_form(form, objects, target) if _names(option, objects, target)]
        if options:
            return options[int(rng.integers(len(options)))]
    return None


def plain_naming(objects: Referents, target: int, rng: np.random.Generator) -> Description | None:
    """A description by colour, noun or both that clearly fits the target alone; None if there is none."""
    obj = objects[target]
    said = [(colour, noun) for colour in (obj.colour, None) for noun in (*sorted(obj.nouns.sure), None)]
    options = [Description(*words) for words in said if any(words) and _names(Description(*words), objects, target)]
    return options[int(rng.integers(len(options)))] if options else None


def fitting_none(objects: Referents, rng: np.random.Generator) -> Description | None:
    """A description that clearly fits nothing, though most parts of it fit something; None if there is none."""

    def misses(option: Description) -> bool:
        found = meaning(option, objects)
        return found.clear and not found.fits and (option.anchor is None or _unique(option.anchor, objects))

    seen = [option for option in _plain(objects) if option.relation is None or _fits_some(option, objects)]
    absent = [Description(colour, noun) for colour, noun in product((None, *COLOURS), (None, *NOUNS)) if colour or noun]
    near = [option for option in seen if misses(option)]
    return _drawn(near if near and rng.random() < 0.7 else list(filter(misses, absent)), rng)


def fitting_many(objects: Referents, rng: np.random.Generator) -> Description:
    """A description that clearly fits two or more; of "the object", that fits all, where nothing says more."""

    def fits_many(option: Description) -> bool:
        found = meaning(option, objects)
        return found.clear and len(found.fits) > 1

    return _drawn([option for option in _plain(objects) if fits_many(option)], rng) or Description()


def _drawn(options: list[Description], rng: np.random.Generator) -> Description | None:
    """One of them, in RELATED of the cases one with a relation."""
    wanted = bool(rng.random() < RELATED)
    chosen = [option for option in options if (option.relation is not None) == wanted] or options
    return chosen[int(rng.integers(len(chosen)))] if chosen else None


def _plain(objects: Referents) -> list[Description]:
    """Every description without a rank, of colours, nouns and relations that occur in the scene."""
    colours: list[str | None] = [None, *sorted({obj.colour for obj in objects})]
    nouns: list[str | None] = [None, *sorted({noun for obj in objects for noun in obj.nouns.sure})]
    named = [Description(colour, noun) for colour, noun in product(colours, nouns)]
    sides = [relation for relation in Relation if relation is not Relation.CLOSEST_TO]
    anchors = [option for option in named if (option.colour or option.noun) and _unique(option, objects)]
    related = [
        Description(option.colour, option.noun, None, relation, anchor)
        for option, relation, anchor in product(named, sides, anchors)
    ]
    return [option for option in named if option.colour or option.noun] + related


def _of_form(form: Form, objects: Referents, target: int) -> Iterator[Description]:
    """All descriptions of a form that agree with the target in colour and noun."""
    obj = objects[target]
    nouns = sorted(obj.nouns.sure) if "noun" in form else [None]
    ranks = Rank if "rank" in form else [None]
    related = _relations(objects, target, "rank" in form) if "relation" in form else [(None, None)]
    for noun, rank, (relation, anchor) in product(nouns, ranks, related):
        yield Description(obj.colour if "colour" in form else None, noun, rank, relation, anchor)


def _relations(objects: Referents, target: int, ranked: bool) -> list[tuple[Relation, Description]]:
    """Every relation to each of the other objects, by every colour and noun that fits that object alone."""
    anchors = [
        option
        for index, obj in enumerate(objects)
        if index != target
        for colour, noun in product((None, obj.colour), (None, *sorted(obj.nouns.sure)))
        if (option := Description(colour, noun)) != Description() and _unique(option, objects)
    ]
    sides = [relation for relation in Relation if not (ranked and relation is Relation.CLOSEST_TO)]
    return list(product(sides, anchors))


def _names(option: Description, objects: Referents, target: int) -> bool:
    """Whether it clearly fits the target alone, and needs its rank and its relation to do so."""

    def alone(description: Description) -> bool:
        found = meaning(description, objects)
        return found.clear and found.fits == (target,)

    if not alone(option):
        return False
    needless_rank = option.rank is not None and alone(option.without_rank())
    return not needless_rank and not (option.relation is not None and alone(option.without_relation()))


def _unique(option: Description, objects: Referents) -> bool:
    found = meaning(option, objects)
    return found.clear and len(found.fits) == 1


def _fits_some(option: Description, objects: Referents) -> bool:
    """Whether something would fit if the relation were left out."""
    return bool(meaning(option.without_relation(), objects).fits)
