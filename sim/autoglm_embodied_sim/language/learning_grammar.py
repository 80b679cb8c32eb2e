"""The grammar that learning may use: plain requests, and everything but a relation before the noun."""

from __future__ import annotations

from dataclasses import replace

from autoglm_embodied_sim.language.description import Rank, Relation
from autoglm_embodied_sim.language.grammar import Grammar

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
    nouns={
        "cube": ("cube", "block"),
        "cylinder": ("cylinder", "can"),
        "ball": ("ball",),
        "bottle": ("bottle",),
        "bread": ("bread",),
        "cereal": ("cereal",),
        "lemon": ("lemon",),
        "milk": ("milk",),
        "duck": ("duck",),
        "mug": ("mug",),
        "teddy": ("teddy",),
    },
    anything=("object", "thing", "one"),
)
"""What is drawn where no grammar is named."""

PRIMITIVES_GRAMMAR = replace(
    LEARNING_GRAMMAR,
    requests=tuple(f"{verb} {{object}}" for verb in ("pick up", "grab", "take", "get", "lift", "grasp")),
    nouns=LEARNING_GRAMMAR.nouns | {"cube": ("cube",), "cylinder": ("cylinder",)},
    anything=("one",),
)
"""Of the suite primitives, whoever speaks: one word for each shape, as `vocabulary` has them."""
