"""The door to the grammar kept for measuring. Nothing that collects, trains or tunes may import this module.

It asks with other verbs and puts what it says in another order: the noun comes first and what tells it apart after
it, and where something is ranked among related objects, the relation comes before the rank.
"""

from __future__ import annotations

from autoglm_embodied.vocabulary import NOUNS
from autoglm_embodied_sim.language.description import Rank, Relation
from autoglm_embodied_sim.language.grammar import Grammar

MEASURING_GRAMMAR = Grammar(
    requests=(
        "bring me {object}",
        "hand me {object}, please",
        "could you pass me {object}",
        "fetch {object}",
        "I would like to have {object}",
        "{object}: give it to me",
    ),
    phrases={
        frozenset(): ("that {noun}",),
        frozenset({"colour"}): ("the {noun} that is {colour}", "the {noun} in {colour}"),
        frozenset({"rank"}): ("the {noun} that is {rank}",),
        frozenset({"relation"}): ("the {noun} which lies {relation}", "the {noun} lying {relation}"),
        frozenset({"colour", "rank"}): ("the {noun} in {colour} that is {rank}",),
        frozenset({"colour", "relation"}): (
            "the {noun} in {colour} which lies {relation}",
            "the {noun} that is {colour} and lies {relation}",
        ),
        frozenset({"rank", "relation"}): ("the {noun} that is, among those lying {relation}, {rank}",),
        frozenset({"colour", "rank", "relation"}): (
            "the {noun} in {colour} that is, among those lying {relation}, {rank}",
        ),
    },
    ranks={
        Rank.SMALLER: ("the smaller of the two", "the little one of the two"),
        Rank.BIGGER: ("the bigger of the two", "the large one of the two"),
        Rank.SMALLEST: ("the smallest of all", "less big than all the others"),
        Rank.BIGGEST: ("the biggest of all", "larger than all the others"),
        Rank.LEFTMOST: ("furthest to the left",),
        Rank.RIGHTMOST: ("furthest to the right",),
        Rank.FRONTMOST: ("furthest to the front",),
        Rank.REARMOST: ("furthest to the back",),
    },
    relations={
        Relation.LEFT_OF: ("on the left-hand side of {anchor}", "further left than {anchor}"),
        Relation.RIGHT_OF: ("on the right-hand side of {anchor}", "further right than {anchor}"),
        Relation.IN_FRONT_OF: ("on the near side of {anchor}",),
        Relation.BEHIND: ("on the far side of {anchor}",),
        Relation.CLOSEST_TO: ("nearer to {anchor} than all the rest",),
    },
    nouns={
        **{noun: (noun,) for noun in NOUNS},
        "cube": ("cube", "box"),
        "cylinder": ("cylinder", "can", "tin"),
        "ball": ("ball", "sphere"),
        "bread": ("bread", "loaf of bread"),
        "cereal": ("cereal", "packet of cereal"),
        "milk": ("milk", "carton of milk"),
        "duck": ("duck", "rubber duck"),
        "mug": ("mug", "cup"),
        "teddy": ("teddy", "teddy bear"),
    },
    anything=("object", "thing", "one", "item"),
)
