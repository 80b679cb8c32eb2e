"""A command that was read in a sentence, and the readings that the words of one may have beside its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoglm_embodied.command_language.description import Slots
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.types import Intent

ANYWHERE = ("words.the", "words.and", "numbers.and", "words.filler", "words.particle", "words.object")
ARM = ("words.gripper", "words.it")
MEASURES = ("words.by", "words.to")  # "by" or "to" two centimetres
MOTION = (*ARM, "verbs.move", "verbs.turn", "verbs.do", "words.more", "words.gentle", "words.here", "words.little")


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
