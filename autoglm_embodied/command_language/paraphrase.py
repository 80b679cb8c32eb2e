"""Paraphrases: the ways to say a place, a colour or a relation, brought to the one that descriptions are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from autoglm_embodied.command_language.language import Language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.command_language.quantity import MEASURES, is_number

SIDES = ("places", "directions")
HEADS = ("nouns", "words.one")
SURFACE_PLACES = {"left_of": "places.left", "right_of": "places.right"}
FILLERS = {"words.filler", "words.particle", "words.towards", "words.preposition"}
REST_PLACES = SURFACE_PLACES | {"in_front_of": "places.front", "behind": "places.back"}
NOUN_PHRASE = ("colours", "sizes", *HEADS)
OPPOSITE = {
    **{"left_of": "right_of", "right_of": "left_of", "in_front_of": "behind", "behind": "in_front_of"},
    "next_to": "next_to",
}
LIES_ON = ("relations.on", "relations.in")


def without_fillers(tokens: Sequence[Token]) -> list[Token]:
    """The tokens that say something; "can" does after an article, a colour or a size, and not as the first word."""
    found: list[Token] = []
    for token, after in pairwise([*_measured(tokens), Token("")]):
        at = _superlative(found) if token.has("words.towards", "words.viewer") else None
        if at is not None:
            found += _said_after(found.pop(at), token)
        elif token.readings - FILLERS or not token.readings or _relates(found[-1:], token, after):
            found.append(token)
    for at, token in enumerate(found):
        if token.has("words.filler") and token.has("nouns"):
            is_thing = at and found[at - 1].has("words.the", "colours", "sizes")
            kept = {each for each in token.readings if each.startswith("nouns.") == bool(is_thing)}
            if is_thing or not at:
                found[at] = replace(token, readings=frozenset(kept))
        elif token.has("words.particle") and token.has("nouns") and _is_measured(found[at + 1 :]):
            found[at] = replace(token, readings=frozenset({"words.filler"}))  # "a bottle of milk", where bottle counts
    return [token for token in found if token.readings != {"words.filler"}]


def _is_measured(following: Sequence[Token]) -> bool:
    """Whether a thing is named directly after a word that may count it."""
    return any(token.has("nouns") and not token.pause for token in following[:1])


def _measured(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, of which "by" and "to" are such only beside a quantity, and not where they end "mach ... auf"."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        measures = _is_quantity(tokens[at + 1 :]) or (_is_unit(tokens[:at][-1:]) and not token.value("gap"))
        if token.has("words.some") and _is_quantity(tokens[at + 1 :]):
            continue  # "some five centimetres"
        found.append(token if measures else replace(token, readings=token.readings - {*MEASURES}))
    return found


def _is_unit(before: Sequence[Token]) -> bool:
    return any(token.has("units", "quantity") for token in before)


def _is_quantity(following: Sequence[Token]) -> bool:
    """Whether tokens begin with a quantity, after words such as "about"."""
    said = [token for token in following if token.readings - FILLERS or not token.readings]
    at = next((at for at, token in enumerate(said) if not is_number(token)), len(said))
    return _is_unit(said[at : at + 1])


def _relates(before: Sequence[Token], token: Token, after: Token) -> bool:
    """Whether a preposition says something of an object, in a way that is not known: "the red one at the mug"."""
    return token.has("words.preposition") and any(each.has(*NOUN_PHRASE) for each in before) and after.has("words.the")


def _superlative(tokens: Sequence[Token]) -> int | None:
    """Where "nearest" is in "the nearest red cube", after which "to" says to what."""
    at = len(tokens)
    while at and (tokens[at - 1].has(*NOUN_PHRASE) or not tokens[at - 1].readings) and not tokens[at - 1].pause:
        at -= 1
    is_one = 0 < at < len(tokens) and tokens[at - 1].has("places.front", "places.back")
    return at - 1 if is_one else None


def _said_after(superlative: Token, token: Token) -> list[Token]:
    """The place or relation that "nearest ... to you" or "nearest ... to" is; "furthest ... from" is none."""
    if token.has("words.viewer"):
        place = next(each for each in superlative.readings if each in ("places.front", "places.back"))
        return [replace(superlative, readings=frozenset({place}))]
    if superlative.has("relations.next_to"):
        return [replace(superlative, readings=frozenset({"relations.next_to"}))]
    return [superlative, replace(token, readings=frozenset({"words.towards"}))]


def plainly_said(tokens: Sequence[Token], language: Language) -> list[Token]:
    """The tokens of a request to grasp with each place and relation said the plain way: "left", "left of the bowl".

    Args:
        tokens: of the sentence, without fillers.
        language: in which they were said.
    """
    related = _relation_first(_without_frame(_whose_last(_without_correlative(_without_lies(tokens)))))
    return _without_degrees(_without_prepositions(_without_surfaces(related, language), language))


def lies_at(tokens: Sequence[Token]) -> int | None:
    """Where it is said on what the thing named after it lies: "put-on the plate the bread", which is no place."""
    at = next((at for at, token in enumerate(tokens) if token.has("words.lies")), len(tokens))
    relation = next((each for each in range(at, len(tokens)) if tokens[each].has("relations", *SIDES)), len(tokens))
    following = tokens[relation + 1 : relation + 4]
    named = next((each for each in following if each.has(*HEADS, "verbs") or not each.readings), None)
    return at if named is not None and not named.has("verbs") and not named.pause else None


def _without_lies(tokens: Sequence[Token]) -> Sequence[Token]:
    at = lies_at(tokens)
    return tokens if at is None else [*tokens[:at], *tokens[at + 1 :]]


def _without_correlative(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without what a relative clause is taken up by: "which cube beside the bottle is, *that* take"."""
    at = next((at for at, token in enumerate(tokens) if token.has("words.relative")), len(tokens))
    return [*tokens[:at], *(token for token in tokens[at:] if not token.has("words.it") or token.has("words.not"))]


def _whose_last(tokens: Sequence[Token]) -> Sequence[Token]:
    """ "[The] ball beside which a cup is, it take" as "beside the cup [the] ball take"."""
    at = next((at for at, token in enumerate(tokens) if token.has("words.whose")), len(tokens))
    relation = next((each for each in range(at, len(tokens)) if tokens[each].has("relations")), None)
    if relation is None:
        return [*tokens[:at], *tokens[at + 1 :]]
    opposite = OPPOSITE.get(tokens[relation].value("relations"))
    end = next((at for at in range(relation, len(tokens)) if tokens[at].has("words.it", "verbs")), len(tokens))
    if opposite is None or tokens[relation].has("words", "verbs"):
        return tokens
    turned = replace(tokens[relation], readings=frozenset({f"relations.{opposite}"}))
    return [*tokens[:at], *tokens[relation + 1 : end], turned, *tokens[at + 1 : relation], *tokens[end:]]


def _without_frame(tokens: Sequence[Token]) -> list[Token]:
    """Without a first "right" that marks the beginning of a turn, and without what is done of "want it lifted"."""
    found = list(tokens)
    if len(found) > 1 and found[0].has("words.filler") and (found[1].pause or found[1].has("verbs")):
        found = found[1:]
    if len(found) > 1 and found[-1].has("words.brought") and not found[-1].pause:
        found[-1] = replace(found[-1], readings=frozenset({"words.filler"}))
    return found


def _relation_first(tokens: Sequence[Token]) -> list[Token]:
    """ "on the banana's left" and "with the banana on its right" as "left of the banana"."""
    found = list(tokens)
    for at in [at for at, token in enumerate(tokens) if token.has("anchored")]:
        start = next((start for start in range(at - 1, -1, -1) if found[start].has("words.the")), None)
        if start is None or not _is_thing(found[:start]):  # "the cube beside it": beside what, was not said
            continue
        relation = replace(found[at], readings=frozenset({f"relations.{found[at].value('anchored')}"}), pause=False)
        found[start : at + 1] = [relation, *found[start:at]]
        if start and found[start - 1].has(*LIES_ON) and not found[start - 1].has("nouns"):
            found[start - 1] = replace(found[start - 1], readings=frozenset({"words.filler"}))
    return [token for token in found if token.readings != {"words.filler"}]


def _without_surfaces(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Without the table that all lie on, or the group that all belong to: "left of the table" is a place."""
    found: list[Token] = []
    for token in tokens:
        is_rest = token.has("words.rest")
        is_surface = is_rest or (token.said in language.surfaces and not token.has("nouns"))
        before = [each for each in found if not each.has("words.the")][-1:]
        if not is_surface or not before or not (is_rest or found[-1].has("words.the")):
            found.append(token)
        elif side := (REST_PLACES if is_rest else SURFACE_PLACES).get(before[0].value("relations")):
            found = [replace(each, readings=frozenset({side})) if each is before[0] else each for each in found]
        elif before[0].has(*LIES_ON):
            found = [each for each in found if each is not before[0]]
        elif not before[0].has(*SIDES, *HEADS, "sizes", "words.degree"):
            found.append(token)
    return found


def _without_prepositions(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Without "in" before a colour, and "in", "on" or "near" before a place; "nearest" is a place or a relation."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        after = [each for each in tokens[at + 1 :] if not each.has("words.the")]
        following = tokens[at + 1 :][:1]
        has_article = any(
            each.has("words.the") or each.has("words.it") and not each.has("words.one") for each in following
        )
        if language.has_article and token.has("relations.next_to") and token.has("places"):
            section = "relations." if has_article and not _is_place(after) else "places."
            kept = frozenset(each for each in token.readings if each.startswith(section))
            found.append(token if _is_place(after) else replace(token, readings=kept))
        elif token.has(*LIES_ON, "relations.next_to") and _is_place(after):
            continue
        elif token.has("relations.in") and after and after[0].has("colours") and not _is_thing(_next(tokens, after[0])):
            if has_article:
                found.append(token)
        else:
            found.append(token)
    return found


def _next(tokens: Sequence[Token], token: Token) -> list[Token]:
    return [after for each, after in pairwise(tokens) if each is token]


def _is_thing(tokens: Sequence[Token]) -> bool:
    return any(token.has(*HEADS) or not token.readings for token in tokens)


def _is_place(tokens: Sequence[Token]) -> bool:
    """Whether they begin with a place that belongs to no other thing, as in "near the left"; not "the left bowl"."""
    at = next((at for at, token in enumerate(tokens) if not token.has("words.degree")), len(tokens))
    if at == len(tokens) or not tokens[at].has(*SIDES) or tokens[at].has("verbs"):
        return False
    return not (tokens[at + 1 :] and tokens[at + 1].has("colours", "sizes", *HEADS) and not tokens[at + 1].pause)


def _without_degrees(tokens: Sequence[Token]) -> list[Token]:
    """Without what only says how far to a side, or which part of it: "furthest to the left", "the left end"."""
    found = list(tokens)
    for step in (-1, 1):  # what is before a side from its end, what is after it from its beginning
        for at in range(len(found))[::step]:
            beside = found[at + 1 :] if step < 0 else found[:at][::-1]
            near = [each for each in beside if not each.has("words.the") and each.readings != {"words.filler"}][:1]
            if found[at].has("words.degree", "words.more") and near and near[0].has(*SIDES):
                if step > 0 and found[at].has(*SIDES, "words.more", "relations"):
                    continue
                found[at] = replace(found[at], readings=frozenset({"words.filler"}))
    return [token for token in found if token.readings != {"words.filler"}]
