"""A command that was read in a sentence, and what the tokens of one may have beside its own readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoglm_embodied.command_language.description import Slots
from autoglm_embodied.command_language.language import Language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.types import Intent

ANYWHERE = ("words.the", "words.and", "numbers.and", "words.filler", "words.particle", "words.object", "words.relative")
DESCRIPTION = (
    *("colours", "sizes", "nouns", "places", "directions", "relations"),
    *("words.one", "words.it", "words.some", "words.gentle", "words.not", "words.but", "number.1"),
)
KNOWN_OBJECT = ("colours", "sizes", "nouns", "places", "directions")
OBJECT = tuple(reading for reading in DESCRIPTION if reading != "words.not")
ARM = ("words.gripper", "words.it")
MOTION = (
    *ARM,
    "verbs.move",
    "verbs.turn",
    "verbs.do",
    "words.more",
    "words.gentle",
    "words.here",
    "words.little",
    "words.returns",
)


@dataclass(frozen=True)
class ParsedCommand:
    """What a sentence asks for."""

    intent: Intent
    instruction: str = ""  # canonical English for the policy; empty for all but a grasp
    slots: Slots = field(default_factory=dict)  # such as {"colour": "red", "noun": "cube"}, values in English


def only(content: Sequence[Token], *readings: str) -> bool:
    """Whether every token has one of the readings, or one that may be anywhere."""
    return all(token.has(*readings, *ANYWHERE) for token in content)


def any_of(content: Sequence[Token], *readings: str) -> bool:
    """Whether a token has one of the readings."""
    return any(token.has(*readings) for token in content)


def known(content: Sequence[Token]) -> list[Token]:
    """The tokens that are words of the language, or numbers."""
    return [token for token in content if token.readings or token.number is not None]


def names_object(content: Sequence[Token], slots: Slots, spoken: Language) -> bool:
    """Whether the description says which object is meant, by known words or by a noun said with an article."""
    if not slots.keys() & {"colour", "size", "noun", "place", "relation"}:
        return False
    if not any_of(content, *KNOWN_OBJECT):
        return not spoken.has_article or any_of(content, "words.the", "words.meant")
    return True
