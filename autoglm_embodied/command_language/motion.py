"""Motions in a sentence: a jog or a rotation of the arm, and how far that or the hand goes."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.command_language.command import MOTION, ParsedCommand, any_of, only
from autoglm_embodied.command_language.description import Slots
from autoglm_embodied.command_language.language import Language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.command_language.quantity import MEASURES, amount, take_quantities
from autoglm_embodied.types import Intent

SIDES = {"left_of": "left", "right_of": "right"}


def read_motion(content: Sequence[Token], spoken: Language) -> ParsedCommand | None:
    """A jog or a rotation."""
    taken = take_quantities(content, spoken.tens_multiply)
    if taken is None or len(taken[0]) > 1:
        return None
    quantities, others = taken
    if _names_thing(others):
        return None
    beside = tuple(f"relations.{relation}" for relation in SIDES) if quantities else ()  # "à gauche de 45 degrés"
    moves = quantities or _says_more_than_filler(others)
    if not moves or not only(others, *MOTION, *MEASURES, "directions", "turns", *beside):
        return None
    turned = {token.value("turns") for token in others if token.has("turns")}
    towards = {token.value("directions") or SIDES.get(token.value("relations"), "") for token in others} - {""}
    sides = turned or towards
    turns = bool(turned) or any_of(others, "verbs.turn") or any(each.unit == "deg" for each in quantities)
    if len(sides) > 1 or (turns and (not sides <= {"left", "right"} or any(each.unit == "m" for each in quantities))):
        return None
    if not sides and not turns and any_of(others, "words.returns") and (quantities or any_of(others, "words.little")):
        sides = {"back"}  # "go back five centimetres", in one word; without how far, it may be to where it began
    if not sides and not (turns and (quantities or any_of(others, "words.little") or any_of(others, "verbs.turn"))):
        return None
    slots: Slots = {"direction": sides.pop()} if sides else {}
    slots |= amount(quantities, any_of(others, "words.little"))
    return ParsedCommand(Intent.ROTATE if turns else Intent.JOG, slots=slots)


def _names_thing(tokens: Sequence[Token]) -> bool:
    """Whether a thing is to be moved, and not the tool: "lift the object", "move that thing left"; not "lift it"."""
    lifts = any(token.has("verbs.grasp") and token.has("directions") for token in tokens)
    things = any(token.has("words.thing", "words.some") and not token.has("words.little") for token in tokens)
    return things or (lifts and any_of(tokens, "words.one"))


def _says_more_than_filler(tokens: Sequence[Token]) -> bool:
    """Whether a word is no filler: "right" alone is an answer, "go right" a motion."""
    return any(not token.has("words.filler") for token in tokens)


def read_opening(content: Sequence[Token], intent: Intent, also: Sequence[str], spoken: Language) -> Slots | None:
    """How far the hand is to open or to close: to a width, by a distance, halfway or a little; None if it is not said.

    Args:
        content: the tokens without fillers.
        intent: to open, or to close.
        also: readings that may be said beside it.
        spoken: the language.
    """
    own = f"intents.{intent.name.lower()}"
    if only(content, own, *also):
        return {"amount": "half"} if any_of(content, "words.halfway") else amount([], any_of(content, "words.little"))
    taken = take_quantities(content, spoken.tens_multiply)
    if taken is None or len(taken[0]) != 1 or taken[0][0].unit != "m":
        return None
    others = taken[1]
    adds, ends = any_of(others, "words.more", "words.by"), any_of(others, "words.to")
    moves = any(
        token.has("verbs.move", "verbs.turn") and not token.has("verbs.do", "words.more", own) for token in others
    )
    joins = any(token.has("words.and") and not token.has("words.more") for token in others)
    if moves or joins or (adds and ends) or not only(others, own, *also, *MEASURES):
        return None  # "move two centimetres and open", "two centimetres more, to four"
    return {"distance_m" if adds else "width_m": amount(taken[0], False)["distance_m"]}
