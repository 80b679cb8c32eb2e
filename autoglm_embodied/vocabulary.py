"""The vocabulary of instructions, shared by the voice grammar and the policy."""

from __future__ import annotations

import re

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
SHAPES = ("cube", "cylinder", "ball")
GROCERIES = ("bottle", "bread", "cereal", "lemon", "milk", "duck", "mug", "teddy")
NOUNS = (*SHAPES, *GROCERIES)
"""Nouns by which an object may be called; all others fit it neither surely nor surely not."""
SIDES = {"left_of": (0.0, 1.0), "right_of": (0.0, -1.0), "in_front_of": (-1.0, 0.0), "behind": (1.0, 0.0)}
"""Unit vectors (x, y) of the base frame, as said by one who stands at the robot's base and looks along +x (REP 103)."""

_SYNONYMS_OF = {  # of colours and nouns that the policies were trained with
    "red": "crimson scarlet",
    "purple": "violet lilac",
    "cube": "block box brick",
    "ball": "sphere orb",
    "cylinder": "can tin tube",
    "mug": "cup",
}
SYNONYMS = {synonym: word for word, synonyms in _SYNONYMS_OF.items() for synonym in synonyms.split()}

VERBS = frozenset("pick grab grasp take get give lift fetch bring pass hand raise hold clutch collect".split())
"""First words of a grasp command."""

FILLER = frozenset(  # words that do not describe an object
    "a an the this that one ones thing object item piece toy up off of from on to me my us for it and "
    "table desk there here which is are coloured colored colour color please now just then".split()
)

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_CAN_YOU = re.compile(r"\b(?:can|could|would|will) (?:you|we|i)\b")
_SINGULARS = {f"{name}{'es' if name.endswith('x') else 's'}": name for name in (*SHAPES, *SYNONYMS)}


def words(instruction: str) -> tuple[str, ...]:
    """The words of `instruction`: lower case, no punctuation, synonyms and plurals made canonical.

    "Can you grab the crimson box?" gives ("grab", "the", "red", "cube").
    """
    spoken = _CAN_YOU.sub(" ", " ".join(_WORD.findall(instruction.lower())))
    singular = (_SINGULARS.get(word, word) for word in spoken.split())
    return tuple(SYNONYMS.get(word, word) for word in singular)


def unknown_words(instruction: str) -> tuple[str, ...]:
    """Words of `instruction` that may describe the object but are not in the vocabulary, such as "elephant"."""
    known = {*COLOURS, *SHAPES, *VERBS, *FILLER}
    return tuple(word for word in words(instruction) if word not in known)
