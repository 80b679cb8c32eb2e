"""The instruction of a scene: a sentence that means one of its objects, or none, or several.

What it says is drawn among the descriptions that clearly fit one object alone, none, or several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS, NOUNS
from autoglm_embodied_sim.language.description import Description, Rank, Referent, Relation, meaning, referents
from autoglm_embodied_sim.language.grammar import PRIMITIVES_GRAMMAR, Grammar
from autoglm_embodied_sim.scenes.scene import GraspScene
from autoglm_embodied_sim.scenes.suite import Suite

STREAM = 7
"""Sets the random numbers of instructions apart from those of scenes."""
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


class Kind(Enum):
    """How many objects an instruction fits; only for ONE there is something to grasp."""

    ONE = "one"
    NONE = "none"
    MANY = "many"


@dataclass(frozen=True)
class Instruction:
    """A sentence, what it says, and the objects that this fits."""

    text: str
    description: Description
    fits: tuple[int, ...]

    @property
    def kind(self) -> Kind:
        """How many it fits."""
        return Kind.NONE if not self.fits else Kind.ONE if len(self.fits) == 1 else Kind.MANY

    @property
    def target(self) -> int | None:
        """The one object that it fits; None where there are none or several."""
        return self.fits[0] if len(self.fits) == 1 else None


def instruct(suite: Suite, scene: GraspScene, position_m: FloatArray, grammar: Grammar) -> Instruction | None:
    """The instruction of a scene, a function of the suite, the seed and the grammar.

    In a suite with refusals, half of these fit none and half of them several objects, and where the scene's target
    cannot be named, another object is. Elsewhere the sentence names the target.

    Args:
        suite: where the scene comes from.
        scene: what lies on the table.
        position_m: (count, 3) where its objects lie still, base frame.
        grammar: how it is said, except in the suite of primitives, which has one of its own.

    Returns:
        None where nothing is named in this suite, or where no clear sentence fits the target alone.
    """
    if not suite.named:
        return None
    rng = np.random.default_rng([scene.seed, *suite.name.encode(), STREAM])
    objects = referents(scene.objects, position_m)
    description = _describe(suite, objects, scene.target, rng)
    spoken = PRIMITIVES_GRAMMAR if suite.primitives else grammar
    return None if description is None else said(description, objects, spoken, rng)


def words_for(instruction: Instruction | None, scene: GraspScene) -> str:
    """What is said in a scene: its instruction, or, where no clear one names the target, its colour alone."""
    return f"pick up the {scene.objects[scene.target].colour} object" if instruction is None else instruction.text


def said(
    description: Description, objects: Sequence[Referent], grammar: Grammar, rng: np.random.Generator
) -> Instruction:
    """A description in words; ConfigError if it is unclear what it fits."""
    found = meaning(description, objects)
    if not found.clear:
        raise ConfigError(f"{description} is unclear for the objects {found.doubtful}; describe them by something else")
    return Instruction(grammar.sentence(description, rng), description, found.fits)


def _describe(suite: Suite, objects: Sequence[Referent], target: int, rng: np.random.Generator) -> Description | None:
    if suite.primitives:
        return plain_naming(objects, target, rng)
    kind = rng.random()
    if kind < suite.refusals / 2:
        return fitting_none(objects, rng) or fitting_many(objects, rng)
    if kind < suite.refusals:
        return fitting_many(objects, rng)
    found = naming(objects, target, rng)
    if found is not None or not suite.refusals:
        return found
    others = [int(index) for index in rng.permutation(len(objects)) if index != target]
    options = (naming(objects, other, rng) for other in others)
    return next((option for option in options if option is not None), None) or fitting_many(objects, rng)


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

    # With a relation, something would fit if that were left out.
    seen = [o for o in _plain(objects) if o.relation is None or meaning(o.without_relation(), objects).fits]
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
