"""What a sentence says of an object: colour, size, noun, place, relation to another object, and what it is not."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.command_language.language import Language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.vocabulary import SYNONYMS

Slots = dict[str, str]
SAID = ("colours", "sizes", "nouns", "words.one", "words.it")
SIDES = ("places", "directions")
SIDE_RELATIONS = {"left": "left_of", "right": "right_of", "front": "in_front_of", "back": "behind"}
SUPERLATIVES = ("sizes.smallest", "sizes.largest")
EXCLUDED = {"not_colour", "not_noun"}
RELATED = ("words.it", "verbs.place", "intents.release")  # beside what is described: "put left of the can"
MOST_UNKNOWN = 2  # words of a noun that is not in the vocabulary
MOST_LETTERS = 30  # of them
PLACE_PHRASES = {
    **{"left": "on the left", "right": "on the right", "middle": "in the middle"},
    **{"front": "at the front", "back": "at the back"},
}


class Unclear(Exception):
    """A description that says two things in one slot, or nothing that could be understood."""


def describe(tokens: Sequence[Token], language: Language) -> Slots:
    """The slots of a description; Unclear where it is contradictory or has words in the wrong place.

    Args:
        tokens: of the sentence, without its verb and fillers.
        language: in which they were said.
    """
    positive, negative = _split_at_negation(tokens, language)
    slots = _positive(positive, language)
    for token in negative or ():
        if not token.readings or token.has("relations", "sizes", *SIDES):
            raise Unclear  # "not the wooden ball", "not left of the ball"
        for section, slot in (("colours", "not_colour"), ("nouns", "not_noun")):
            if value := token.value(section):
                _put(slots, slot, value)
    excluded = slots.keys() & EXCLUDED
    if negative is not None and all(slots.get(slot.removeprefix("not_")) == slots[slot] for slot in excluded):
        raise Unclear  # nothing, or what is asked for
    return slots


def is_told_by_what_it_is_not(tokens: Sequence[Token], language: Language) -> bool:
    """Whether one is asked for by what it is not: "the one that is not blue", "anything but a cube".

    A "not" that may be that of the verb is no such thing: "nimm das Ding nicht, das rote".
    """
    negation = next((at for at, token in enumerate(tokens) if token.has("words.not")), None)
    if negation is None:
        return False
    after = tokens[negation + 1 :][:1]
    is_of_noun = not language.negation_after and any(
        token.has("colours", "nouns") and not token.pause for token in after
    )
    positive, _ = _split_at_negation(tokens, language)
    named = any(token.has("words.one", "words.thing", "words.some") for token in [*positive, tokens[negation]])
    return named and (is_of_noun or tokens[negation].has("words.except"))


def _split_at_negation(tokens: Sequence[Token], language: Language) -> tuple[list[Token], list[Token] | None]:
    """What the object is, and what it is not; None where nothing is negated."""
    negation = next((at for at, token in enumerate(tokens) if token.has("words.not")), None)
    if negation is None:
        return [token for token in tokens if not token.has("words.but")], None
    follows = tokens[negation].has("words.rather")  # "and not", after which it is said what is not meant
    if language.negation_after and not follows and (start := _start_of_excluded(tokens, negation)):
        excluded = tokens[start:negation]
        heads = (
            excluded[:1]
            if tokens[start - 1].has("words.relative") and excluded[:1] and excluded[0].has("nouns")
            else []
        )
        heads = heads if len(excluded) > 1 else []  # "which ball blue not is": a ball
        rest = [*tokens[: start - bool(heads)], *heads, *tokens[negation + 1 :]]
        return [token for token in rest if not token.has("words.but", "words.not")], [*excluded[len(heads) :]]
    if negation > 0 and not follows and (language.negation_after or tokens[negation].has("words.excluded")):
        return [token for token in tokens[negation + 1 :] if not token.has("words.but", "words.not")], [
            *tokens[:negation]
        ]
    end = _end_of_scope(tokens, negation + 1)
    if language.reference_first and negation and tokens[negation].has("words.except") and not tokens[negation].pause:
        end -= end > negation + 2 and tokens[end - 1].has("nouns")  # "one not-is-red ball": a ball
    rest = [*tokens[:negation], *tokens[end:]]
    if any(token.has("words.not") for token in rest):
        raise Unclear
    return [token for token in rest if not token.has("words.but")], [*tokens[negation + 1 : end]]


def _start_of_excluded(tokens: Sequence[Token], negation: int) -> int:
    """Where "the spoon, the fork not" and "the ball which blue not is" begin to say what is not meant; 0: nowhere."""
    relative = next((at for at in range(negation) if tokens[at].has("words.relative")), None)
    if relative is not None:
        return relative + 1
    if any(_describes(token) for token in tokens[negation + 1 :]):
        return 0
    return next((at for at in range(1, negation) if tokens[at].pause and any(map(_describes, tokens[:at]))), 0)


def _end_of_scope(tokens: Sequence[Token], start: int) -> int:
    """Where what follows "not" ends: at a pause, "but", an article, or a second colour or noun."""
    seen: set[str] = set()
    for at in range(start, len(tokens)):
        token = tokens[at]
        kinds = {section for section in ("colours", "nouns", "words.one") if token.has(section)}
        begins_anew = token.pause or token.has("words.but", "words.the") or kinds & seen
        if seen and (begins_anew or token.has("verbs")):
            return at
        seen |= kinds
    return len(tokens)


def _positive(tokens: Sequence[Token], language: Language) -> Slots:
    target, relation, reference = (_reference_first if language.reference_first else _reference_last)(tokens)
    if not language.reference_first:
        reference, rest = _end_of_reference(reference)
        target += rest
    stray = not language.reference_first and not any(_describes(token) or token.has(*RELATED) for token in target)
    if relation and stray:
        raise Unclear  # "get on the cube"
    slots = _named(target)
    about = _named(reference)
    if relation and (about or not any(token.has("words.here") for token in reference)):
        if not about and not any(token.has("words.one") for token in reference):
            raise Unclear
        slots["relation"] = relation
        slots |= {f"ref_{slot}": about[slot] for slot in ("colour", "size", "noun") if slot in about}
        if "gentle" in about:
            slots["gentle"] = about["gentle"]
        if extra := about.keys() - {"colour", "size", "noun", "gentle"}:
            _put_extra(slots, about, extra)
    return slots


def _put_extra(slots: Slots, about: Slots, extra: set[str]) -> None:
    """A place that is said after the reference is that of the object: "the cup next to the can, on the left"."""
    if extra != {"place"}:
        raise Unclear
    _put(slots, "place", about["place"])


def _reference_last(tokens: Sequence[Token]) -> tuple[list[Token], str, list[Token]]:
    """Split "the cube [left of] the bowl" into object, relation and reference."""
    for at, token in enumerate(tokens):
        if token.has("relations") and any(_describes(later) for later in tokens[at + 1 :]):
            if token.has("colours", "nouns"):
                continue
            return [*tokens[:at]], token.value("relations"), [*tokens[at + 1 :]]
    return [*tokens], "", []


def _end_of_reference(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """Split "the banana, the smaller one" after the reference; the rest is said of the object."""
    described = False
    for at, token in enumerate(tokens):
        if described and (
            token.pause or token.has("verbs") or (token.has("words.the") and not _is_colour(tokens[at:]))
        ):
            return tokens[:at], tokens[at:]
        joined = token.has("words.and") and _is_colour(tokens[at:])
        if (described and (joined or token.has(*SUPERLATIVES))) or (not described and _is_side(token)):
            raise Unclear  # "left of the ball that is smallest", "behind the mug and red", "next to the left ball"
        described = described or _describes(token)
    return tokens, []


def _is_colour(tokens: Sequence[Token]) -> bool:
    """Whether they are the colour of what is before them, as in "that has a yellow colour"."""
    said = [token for token in tokens if _describes(token)]
    return bool(said) and all(token.has("colours") for token in said)


def _is_side(token: Token) -> bool:
    return token.has(*SIDES) and not token.has("verbs", "directions.up")


def _reference_first(tokens: Sequence[Token]) -> tuple[list[Token], str, list[Token]]:
    """Split "the bowl's [left] cube" into object, relation and reference; an object marker ends what is before it."""
    target: list[Token] = []
    current: list[Token] = []
    reference: list[Token] = []
    relation = pending = ""
    for at, token in enumerate(tokens):
        related = token.value("relations") or next(
            (SIDE_RELATIONS[side] for section in SIDES if (side := token.value(section)) in SIDE_RELATIONS), ""
        )
        if related and token.has("verbs") and any(_is_head(later) for later in tokens[at + 1 :]):
            target, current, pending = target or current, [], related  # "the lemon put-into the bowl"
        elif related and any(_is_head(each) and not _points(each, token) for each in current) and not relation:
            first, current = _first_object(current) if not target else ([], current)
            target, relation, reference, current = target or first, related, current, []
        elif related and relation == related:
            continue
        elif token.has("relations") and not token.has(*SIDES) and not relation:
            pending = related
        elif token.has("words.object", "verbs") and any(map(_describes, current)) and not target:
            first, rest = _first_object(current) if pending and not relation else ([], current)
            if first:  # "beside the mug the lemon"
                relation, reference = pending, first
            target, current = rest, []
        else:
            current.append(token)
    if pending and not relation:
        reference, current = _first_object(current)
        relation, reference, current = pending, reference or current, current if reference else []
    if target and any(_describes(token) for token in current):
        raise Unclear
    return [*target, *current], relation, reference


def _points(before: Token, side: Token) -> bool:
    """Whether "that" before a side is said of the thing there, as in "that right-side one", and is no reference."""
    return before.has("words.it") and not side.has("relations")


def _first_object(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """Split "the banana, the plate's [right]", said without object marker, after the first of two nouns."""
    nouns = [at for at, token in enumerate(tokens) if token.has("nouns")]
    return (tokens[: nouns[0] + 1], tokens[nouns[0] + 1 :]) if len(nouns) == 2 else ([], tokens)


def _is_head(token: Token) -> bool:
    return token.has("nouns", "words.one") or not token.readings and token.number is None


def _describes(token: Token) -> bool:
    return token.has("colours", "sizes", "nouns", "words.one") or not token.readings


def _named(tokens: Sequence[Token]) -> Slots:
    """Colour, size, noun and place of one object, without relation."""
    slots: Slots = {}
    unknown: list[str] = []
    is_fruit = not any(_is_head(token) and not token.has("colours") for token in tokens)
    for at, token in enumerate(tokens):
        later = (each for each in tokens[at + 1 :] if not each.has("colours"))
        if token.has("words.preposition") and any(each.has("nouns") or not each.readings for each in later):
            raise Unclear  # "the red one at the mug"
        if token.has("colours", "sizes", "nouns"):
            for section in ("nouns",) if is_fruit and token.has("nouns") else ("colours", "sizes", "nouns"):
                if value := token.value(section):
                    _put(slots, section[:-1], value)
                    break
        elif token.has("places", "directions"):
            side = token.value("places") or token.value("directions")
            if side not in ("up", "down"):  # "pick the ball up"
                _put(slots, "place", {"forward": "front"}.get(side, side))
        elif token.has("words.gentle"):
            slots["gentle"] = "yes"
        elif token.has("relations") and not token.has("gap", "verbs"):
            raise Unclear  # "next to the gripper", "behind me"
        elif not token.readings:
            unknown.append(token.said)
    if len(unknown) > MOST_UNKNOWN or len("".join(unknown)) > MOST_LETTERS:
        raise Unclear
    if unknown:  # said with a noun that is known, they make it one that is not: "wooden cube"
        slots["noun"] = " ".join([*unknown, *([slots["noun"]] if "noun" in slots else [])])
    return slots


def _put(slots: Slots, slot: str, value: str) -> None:
    if slots.setdefault(slot, value) != value:
        raise Unclear


def instruction_of(slots: Slots) -> str:
    """The instruction for the policy, such as "pick up the small red cube left of the bowl"; without gentleness."""
    if slots.keys() & EXCLUDED and not slots.keys() - EXCLUDED - {"gentle"}:
        return f"pick up anything but {_noun_phrase(slots, 'not_')}"
    parts = ["pick up", _noun_phrase(slots, "")]
    if place := slots.get("place"):
        parts.append(PLACE_PHRASES[place])
    if relation := slots.get("relation"):
        parts += [relation.replace("_", " "), _noun_phrase(slots, "ref_")]
    if slots.keys() & EXCLUDED:
        parts += ["not", _noun_phrase(slots, "not_")]
    return " ".join(parts)


def _noun_phrase(slots: Slots, prefix: str) -> str:
    said = [slots.get(f"{prefix}size", ""), slots.get(f"{prefix}colour", ""), slots.get(f"{prefix}noun", "one")]
    return f"the {' '.join(SYNONYMS.get(word, word) for word in ' '.join(said).split())}"
