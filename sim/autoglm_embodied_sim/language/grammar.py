"""How descriptions are put into words, and the grammars that learning may use.

A grammar is data alone, so that two can be compared template by template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Formatter

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.vocabulary import NOUNS
from autoglm_embodied_sim.language.description import Description, Rank, Relation

Words = tuple[str, ...]
SLOTS = ("colour", "rank", "relation")
"""What a phrase may say beside its noun."""
SAID_ALONE = "one"
"""Stands for a noun only beside something else: "the red one", but never "the one"."""


@dataclass(frozen=True)
class Grammar:
    """All templates and words of one way to speak; wherever there are several, one is drawn."""

    requests: Words  # with {object}
    phrases: Mapping[frozenset[str], Words]  # by the SLOTS that are said; with those slots and {noun}
    ranks: Mapping[Rank, Words]
    relations: Mapping[Relation, Words]  # with {anchor}
    nouns: dict[str, Words]  # for each of NOUNS
    anything: Words  # what stands for a noun that goes unsaid

    def __post_init__(self) -> None:
        complete = {*self.ranks} == {*Rank} and {*self.relations} == {*Relation} and {*self.nouns} == {*NOUNS}
        if not complete or len(self.phrases) != 2 ** len(SLOTS):
            raise ConfigError("a grammar needs words for every rank, relation and noun, and phrases for all slots")
        for slots, templates in self.phrases.items():
            for template in templates:
                _check(template, slots | {"noun"})
        for template in self.requests:
            _check(template, frozenset({"object"}))

    @property
    def templates(self) -> frozenset[str]:
        """Every template of a request, a phrase or a relation, and every wording of a rank."""
        tables = (*self.phrases.values(), *self.ranks.values(), *self.relations.values())
        return frozenset(self.requests).union(*tables)

    def sentence(self, description: Description, rng: np.random.Generator) -> str:
        """A request for what is described."""
        return _one(self.requests, rng).format(object=self.phrase(description, rng))

    def phrase(self, description: Description, rng: np.random.Generator) -> str:
        """A noun phrase, such as "the smaller blue one left of the can"."""
        said = {"colour": description.colour, "rank": None, "relation": None}
        if description.rank is not None:
            said["rank"] = _one(self.ranks[description.rank], rng)
        if description.relation is not None and description.anchor is not None:
            anchor = self.phrase(description.anchor, rng)
            said["relation"] = _one(self.relations[description.relation], rng).format(anchor=anchor)
        words = {slot: value for slot, value in said.items() if value is not None}
        return _one(self.phrases[frozenset(words)], rng).format(**words, noun=self._noun(description, bool(words), rng))

    def _noun(self, description: Description, accompanied: bool, rng: np.random.Generator) -> str:
        if description.noun is not None:
            return _one(self.nouns[description.noun], rng)
        return _one(tuple(word for word in self.anything if accompanied or word != SAID_ALONE), rng)


def _check(template: str, slots: frozenset[str]) -> None:
    found = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    if sorted(found) != sorted(slots):
        raise ConfigError(f"the template {template!r} must hold {', '.join(sorted(slots))}, each once")


def _one(choices: Words, rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


LEARNING_GRAMMAR = Grammar(
    requests=(
        "pick up {object}",
        "please pick up {object}",
        "grab {object}",
        "take {object}",
        "get {object}",
        "lift {object}",
        "grasp {object}",
        "can you grasp {object}",
    ),
    phrases={
        frozenset(): ("the {noun}",),
        frozenset({"colour"}): ("the {colour} {noun}",),
        frozenset({"rank"}): ("the {rank} {noun}",),
        frozenset({"relation"}): ("the {noun} {relation}", "the {noun} that is {relation}"),
        frozenset({"colour", "rank"}): ("the {rank} {colour} {noun}",),
        frozenset({"colour", "relation"}): ("the {colour} {noun} {relation}", "the {colour} {noun} that is {relation}"),
        frozenset({"rank", "relation"}): ("the {rank} {noun} {relation}",),
        frozenset({"colour", "rank", "relation"}): ("the {rank} {colour} {noun} {relation}",),
    },
    ranks={
        Rank.SMALLER: ("smaller",),
        Rank.BIGGER: ("bigger", "larger"),
        Rank.SMALLEST: ("smallest",),
        Rank.BIGGEST: ("biggest", "largest"),
        Rank.LEFTMOST: ("leftmost",),
        Rank.RIGHTMOST: ("rightmost",),
        Rank.FRONTMOST: ("frontmost",),
        Rank.REARMOST: ("rearmost",),
    },
    relations={
        Relation.LEFT_OF: ("left of {anchor}", "to the left of {anchor}"),
        Relation.RIGHT_OF: ("right of {anchor}", "to the right of {anchor}"),
        Relation.IN_FRONT_OF: ("in front of {anchor}",),
        Relation.BEHIND: ("behind {anchor}",),
        Relation.CLOSEST_TO: ("closest to {anchor}",),
    },
    nouns={**{noun: (noun,) for noun in NOUNS}, "cube": ("cube", "block"), "cylinder": ("cylinder", "can")},
    anything=("object", "thing", "one"),
)
"""The one that learning may use: plain requests, and everything but a relation before the noun."""

PRIMITIVES_GRAMMAR = replace(
    LEARNING_GRAMMAR,
    requests=tuple(f"{verb} {{object}}" for verb in ("pick up", "grab", "take", "get", "lift", "grasp")),
    nouns=LEARNING_GRAMMAR.nouns | {"cube": ("cube",), "cylinder": ("cylinder",)},
    anything=("one",),
)
"""Of the suite primitives, whoever speaks: one word for each shape, as `vocabulary` has them."""
