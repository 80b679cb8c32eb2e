"""Corrections: another object than the one meant before, "no, the blue one", "not the bottle, I said the can"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autoglm_embodied.command_language.command import (
    KNOWN_OBJECT,
    OBJECT,
    ParsedCommand,
    any_of,
    known,
    names_object,
    only,
)
from autoglm_embodied.command_language.description import EXCLUDED, Slots, Unclear, describe, instruction_of
from autoglm_embodied.command_language.language import Language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.command_language.paraphrase import plainly_said
from autoglm_embodied.types import Intent


def read_correction(content: Sequence[Token], spoken: Language) -> ParsedCommand | None:
    """Another object than the one meant before: "no, the blue one"; after a grasp in the same sentence a grasp."""
    verbs, marks = ("verbs.grasp", "verbs.want", "verbs.give"), ("intents.no", "words.meant")
    if not only(known(content), *verbs, *marks, "intents.not_that_one", "words.not", "words.linking", *OBJECT):
        return None
    content = _negation_first(content)
    at = max((at for at in range(len(content)) if _is_answer(content, at, spoken)), default=-1)
    before, after = content[: max(at, 0)], content[at + 1 :]
    if at < 0 and any_of(content, *verbs) and not (content[0].has("words.not") or spoken.negation_after):
        return None
    if at < 0 and any_of(content, *verbs) and spoken.negation_after and _describes_one(content):
        return None
    negation = next((at for at, token in enumerate(content) if token.has("words.not")), 0)
    if (
        at < 0
        and spoken.negation_after
        and any_of(content[:negation], *verbs, "words.relative")
        and any_of(content, *verbs)
    ):
        return None  # "take the spoon, the fork not", "the ball which blue not is, it take"
    if any(not token.readings for token in before) and not any_of(before, "verbs.grasp"):
        return None
    slots = _described(after, spoken) or _described(before, spoken)
    if slots is None or (at < 0 and not slots.keys() & EXCLUDED):
        return None
    if at > 0 and content[at].has("words.meant") and after:
        slots = _excluded(before, spoken) | slots
    excepts = any(token.has("words.except") and not token.has("intents.no") for token in content)
    if at < 0 and excepts and not slots.keys() & {"colour", "noun"}:
        return None  # "things other than cubes are tall"
    if not any_of(content, *KNOWN_OBJECT, "words.the", "words.meant"):
        return None  # "no, tomorrow"
    if any_of(before, "verbs.grasp") and not any_of(after, *verbs):
        return ParsedCommand(Intent.GRASP, instruction_of(slots), slots)
    return ParsedCommand(Intent.CORRECT, slots=slots)


def _excluded(before: Sequence[Token], spoken: Language) -> Slots:
    """What "not the bottle" says before "I meant the can"; nothing where it says anything else."""
    if not before or not any_of(before[:: len(before) - 1 or 1], "words.not"):
        return {}
    try:
        slots = describe(before, spoken)
    except Unclear:
        return {}
    return slots if slots.keys() <= EXCLUDED else {}


def _negation_first(content: Sequence[Token]) -> Sequence[Token]:
    """ "The red one not, the blue one" (el rojo no, el azul) as "not the red one, the blue one"."""
    at = next((at for at, token in enumerate(content) if token.has("words.not", "intents.no")), 0)
    excluded, after = content[:at], content[at + 1 :]
    if not after or not after[0].pause or content[at].pause or not any_of(excluded, "colours", "nouns"):
        return content
    if not only(excluded, "colours", "nouns", "words.one", "words.it"):
        return content
    negation = replace(content[at], readings=frozenset({"words.not"}))
    return [negation, replace(excluded[0], pause=False), *excluded[1:], *after]


def _describes_one(content: Sequence[Token]) -> bool:
    """Whether "not" is part of what one object is, as in "the not red ball", and another is not named after it."""
    at = next((at for at, token in enumerate(content) if token.has("words.not")), len(content))
    following = content[at + 1 :][:1]
    said = content[at].has("words.except") and not content[at].has("words.but") if following else False
    return said and following[0].has("nouns", "words.one", "words.some") and not following[0].pause


def _described(content: Sequence[Token], spoken: Language) -> Slots | None:
    """The object of a correction, which has no unknown words beside a known noun."""
    try:
        slots = describe(plainly_said(content, spoken), spoken)
    except Unclear:
        return None
    if any_of(content, "nouns") and any(not token.readings for token in content):
        return None
    return slots if names_object(content, slots, spoken) else None


def _is_answer(content: Sequence[Token], at: int, spoken: Language) -> bool:
    """Whether a token marks a correction: "I meant", or a "no" that is not the "not" of the same word."""
    token = content[at]
    if token.has("words.never"):  # "never, the red one"
        return False
    if token.has("words.but") and any_of(content, "words.not"):  # "not the red one but the green one"
        return False
    if not token.has("words.not") or token.has("words.meant"):
        return token.has("intents.no", "words.meant")
    if not token.has("intents.no"):
        return False
    if at + 1 < len(content) and content[at + 1].pause:
        return not (spoken.negation_after and at > 0 and not any_of(content[:at], "verbs.grasp"))
    if at == 0:
        try:
            slots = describe(content, spoken)
            excluded = token.has("words.except") and slots.keys() & EXCLUDED  # "not the blue one", unlike "no, blue"
            return not (excluded or names_object(content, slots, spoken))
        except Unclear:
            return True
    return spoken.negation_after and any_of(content[:at], "verbs.grasp")
