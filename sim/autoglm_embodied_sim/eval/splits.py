"""The objects and words of every split, those kept for measuring included.

Nothing that collects, trains or tunes may import this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.vocabulary import NOUNS
from autoglm_embodied_sim.language.description import Rank, Relation
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR, Grammar
from autoglm_embodied_sim.objects.mesh_file import user_shapes
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes, read_shapes
from autoglm_embodied_sim.objects.shape import Shape

MEASURING_NUMBERS = range(900, 1000)
"""The `random_urdfs` of the test split."""
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
"""It asks with other verbs than the learning grammar and puts what it says in another order: the noun comes first and
what tells it apart after it, and where something is ranked among related objects, the relation comes before the rank.
"""
SPLITS = ("test", *(split.value for split in Split))
WORDS = {"learned": LEARNING_GRAMMAR, "held-out": MEASURING_GRAMMAR}
"""How instructions are said, by name."""


def check_split(split: str) -> None:
    """ConfigError with the valid ones if there is no split of this name."""
    if split not in SPLITS:
        raise ConfigError(f"objects come from {', '.join(SPLITS)}, got {split!r}")


def split_shapes(split: str) -> Sequence[Shape]:
    """All objects of a split, in their native size."""
    check_split(split)
    return read_shapes(MEASURING_NUMBERS) if split == "test" else learning_shapes(Split(split))


def split_grammar(split: str, words: str | None = None) -> Grammar:
    """How instructions are said: the test split has a grammar of its own, unless one of WORDS is asked for."""
    if words is None:
        words = "held-out" if split == "test" else "learned"
    if words not in WORDS:
        raise ConfigError(f"--words must be {' or '.join(WORDS)}, got {words!r}")
    return WORDS[words]


def named_shapes(objects: str) -> Sequence[Shape]:
    """The objects of a split, or, if it is the name of a folder, the user's own that can be used."""
    if objects not in SPLITS and Path(objects).is_dir():
        return user_shapes(Path(objects))[0]
    return split_shapes(objects)
