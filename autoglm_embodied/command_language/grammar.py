"""Command grammar: a sentence in any of the languages to an intent and its slots, or to nothing.

The words of each language are data (`languages/`); the rules here are the same for all. An intent is taken only if
every word that is no filler has a meaning that this intent can use, so that what fits nothing is never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from autoglm_embodied.command_language.command import (
    ANYWHERE,
    ARM,
    KNOWN_OBJECT,
    MOTION,
    OBJECT,
    ParsedCommand,
    any_of,
    known,
    names_object,
    only,
)
from autoglm_embodied.command_language.correction import read_correction
from autoglm_embodied.command_language.description import (
    EXCLUDED,
    Slots,
    Unclear,
    describe,
    instruction_of,
    is_told_by_what_it_is_not,
)
from autoglm_embodied.command_language.language import Language, language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.command_language.motion import read_motion, read_opening
from autoglm_embodied.command_language.near_miss import correct_tokens, is_near_stop, opened
from autoglm_embodied.command_language.paraphrase import lies_at, plainly_said, without_fillers
from autoglm_embodied.command_language.prohibition import contrasted, is_prohibited
from autoglm_embodied.types import Intent

LONGEST_STOP = 5  # words, where the stop word is neither the first nor the last
LONGEST_TEXT = 1000  # letters of a command
END = 100  # letters at each end of a longer text
MOST_WORDS = 40  # of a command, without fillers
MOST_CANCEL_WORDS = 3  # that are unknown, beside "cancel"

GRASP_ALSO = ("words.not", "verbs.move", "verbs.do", "words.linking", "words.find", "intents.yes")
NOT_THAT_ONE = ("intents.no", "intents.not_that_one", "words.not", "words.one", "words.it")
HAND = (Intent.OPEN, Intent.CLOSE)
PLAIN: dict[Intent, tuple[str, ...]] = {  # in order; intents without slots, and what else they may say
    Intent.REPEAT: ("verbs.do", "words.it", "intents.again", "intents.no"),
    Intent.NOT_THAT_ONE: (
        *("intents.no", "words.one", "words.it", "words.not", "intents.not_that_one", "verbs.grasp", "words.meant"),
    ),
    Intent.OTHER_ONE: (
        *("intents.no", "words.meant", "verbs.grasp", "verbs.want", "verbs.give", "words.one", "words.it", "words.but"),
        *("nouns", "words.not", "directions.up", "intents.yes", "intents.not_that_one"),
    ),
    Intent.YES: ("verbs.do", "words.it", "words.one", "verbs.grasp", "directions.up"),
    Intent.RESUME: (*ARM, "verbs.do", "verbs.move", "intents.yes", "words.more"),
    Intent.CANCEL: (
        "colours",
        "sizes",
        "nouns",
        "words.one",
        "words.rest",
        "words.brought",
        "words.viewer",
        "words.linking",
        *ARM,
        "verbs",
        "intents.no",
        "intents.yes",
    ),
    Intent.HOME: (*ARM, "verbs", "directions.back", "places.back", "relations.in", "relations.on", "words.one"),
    Intent.AGAIN: (*ARM, "verbs.do", "verbs.grasp", "words.one", "directions.up", "words.more"),
    Intent.FASTER: MOTION,
    Intent.SLOWER: MOTION,
    Intent.OPEN: (*MOTION, "words.my_hand", "words.halfway"),
    Intent.CLOSE: (*MOTION, "words.my_hand", "words.halfway"),
    Intent.RELEASE: (*OBJECT, *ARM, "intents.open", "words.here"),
    Intent.NO: ("words.it", "words.one", "words.not"),
}


def parse_command(text: str, tag: str = "en") -> ParsedCommand | None:
    """The command in a recognised sentence, or None where there is none.

    "Could you grab the read cube, please?" gives a grasp of "pick up the red cube".

    Args:
        text: the sentence.
        tag: BCP-47 tag of its language.

    Raises:
        ConfigError: there is no such language.
    """
    spoken = language(tag)
    is_long = len(text) > LONGEST_TEXT  # of one, only the ends can be a stop
    heard = opened(text[:LONGEST_TEXT]) if spoken.near_miss else text
    tokens = spoken.lexicon.tokens(f"{text[:END]} {text[-END:]}" if is_long else heard)
    if _is_stop(tokens, spoken):
        return ParsedCommand(Intent.STOP)
    if is_long:
        return None
    content = contrasted(without_fillers(tokens))
    if not content or len(content) > MOST_WORDS or is_prohibited(content):
        return None
    if spoken.near_miss:
        content = correct_tokens(content, spoken.lexicon)
    for read in (_plain, _hand_over, read_motion, _place, read_correction, _grasp, _question):
        if command := read(content, spoken):
            return command
    return None


def _is_stop(tokens: Sequence[Token], spoken: Language) -> bool:
    if not tokens or any(token.has("words.dont_stop") for token in tokens):
        return False
    where = [at for at, token in enumerate(tokens) if token.has("intents.stop")]
    if where and (len(tokens) <= LONGEST_STOP or where[0] == 0 or where[-1] == len(tokens) - 1):
        beside = (tokens[at] for stop in where for at in (stop - 1, stop + 1) if 0 <= at < len(tokens))
        return not any(token.has("words.dont", "words.not") and not token.has("intents.no") for token in beside)
    if spoken.near_miss and len(tokens) == 1 and not tokens[0].readings:
        return is_near_stop(tokens[0].said)
    alone = (
        *("intents.stop_alone", "intents.stop", "intents.no"),
        *(*ARM, *ANYWHERE, "words.little", "verbs.move", "verbs.turn"),
    )
    said = [
        token
        for token in tokens
        if token.has("intents.stop_alone") and (len(tokens) == 1 or not token.has("words.not_object"))
    ]
    return bool(said) and all(token.has(*alone) for token in tokens)


def _plain(content: Sequence[Token], spoken: Language) -> ParsedCommand | None:
    if any_of(content, "words.not") and any_of(content, "words.one", "words.it") and only(content, *NOT_THAT_ONE):
        return ParsedCommand(Intent.NOT_THAT_ONE)
    for intent, also in PLAIN.items():
        own = f"intents.{intent.name.lower()}"
        if not any_of(content, own):
            continue
        unknown = [token for token in content if not token.readings]
        known = [token for token in content if token.readings]
        if intent is Intent.CANCEL and len(unknown) <= MOST_CANCEL_WORDS and only(known, own, *also):
            return ParsedCommand(intent)
        if intent is Intent.RELEASE and (_places(content, spoken) or any_of(content, "words.my_hand")):
            continue
        slots = (
            read_opening(content, intent, also, spoken) if intent in HAND else {} if only(content, own, *also) else None
        )
        if slots is not None:
            return ParsedCommand(intent, slots=slots)
    return None


def _hand_over(content: Sequence[Token], _: Language) -> ParsedCommand | None:
    given = (
        any_of(content, "verbs.give")
        or any_of(content, "words.my_hand")
        and any_of(content, "verbs.place", "intents.release")
    )
    also = (
        *("verbs.give", "verbs.place", "intents.release", "verbs.do"),
        *("words.my_hand", "words.it", "words.one", "words.here"),
    )
    return ParsedCommand(Intent.HAND_OVER) if given and only(content, *also, "words.gentle", "directions.up") else None


def _places(content: Sequence[Token], spoken: Language) -> bool:
    """Whether it says where to put something."""
    related = any(token.has("relations") and not token.has("gap", "verbs", "intents") for token in content)
    named = any(token.has("nouns", "words.one") or not token.readings for token in content)
    to_a_side = spoken.reference_first and named and any_of(content, "directions", "places")
    return related or to_a_side or any_of(content, "words.here")


def _place(content: Sequence[Token], spoken: Language) -> ParsedCommand | None:
    verbs = ("verbs.place", "intents.release")
    if not any_of(content, *verbs) or not only(known(content), *verbs, *OBJECT, "words.here", "verbs.do", "verbs.move"):
        return None
    if (
        (not spoken.reference_first and not content[0].readings)
        or any_of(content, "words.off")
        or lies_at(content) is not None
    ):
        return None  # "j'ai posé la tasse": who has done what; "put it off the plate" says from where, not where to
    try:
        slots = describe(content, spoken)
    except Unclear:
        return None
    place = slots.pop("place", "")
    if "relation" not in slots and any_of(content, "words.here"):
        slots["relation"] = "here"
    elif "relation" not in slots and place in ("left", "right"):
        slots["relation"] = f"{place}_of"
    elif "relation" not in slots and any_of(content, "verbs.place") and not place:
        stray = any(token.has("relations") and not token.has("words", "verbs", "directions") for token in content)
        stray = (
            stray or any(token.has("words.returns") for token in content) and not any_of(content, "nouns", "words.it")
        )
        if stray or len(known(content)) < len(content) or any_of(content, "directions.up"):
            return (
                None  # "put the kettle on", "leave me alone", "put the thing up", "go back" where it is "put back", too
            )
        in_tray = slots.get("noun") == "tray"
        slots = {"relation": "in_tray"} if in_tray else slots | {"relation": "here"}  # "put it down"
    if slots.get("ref_noun") == "tray" and slots.get("relation") in ("in", "on"):
        slots["relation"] = "in_tray"
        del slots["ref_noun"]
    return ParsedCommand(Intent.PLACE, slots=slots) if "relation" in slots else None


def _grasp(content: Sequence[Token], spoken: Language) -> ParsedCommand | None:
    verbs = ("verbs.grasp", "verbs.give", "verbs.want")
    also = (*verbs, *OBJECT, *GRASP_ALSO)
    content = [token for token in content if not _only_requests(token)]
    if not content or is_prohibited(content):
        return None
    if content[0].has("intents.question", "words.asks") and not content[0].has("words.filler", "verbs"):
        if not (content[0].has("words.find") and any_of(content, "verbs.grasp")):  # "do you see the red cube? take it"
            return None  # "which red cube should I take"
    content = plainly_said(content, spoken)
    if not any_of(content, *verbs) or not only(known(content), *also) or _is_unclear_no(content, spoken):
        return None
    if any(token.has("words.and") and not after.readings for token, after in pairwise(content)):
        return None  # "take a chair and sit down"
    try:
        slots = describe(content, spoken)
    except Unclear:
        return None
    if spoken.reference_first and "relation" in slots and not _names_reference(content):
        return None
    if _moves_what_is_held(content, slots):
        return None
    is_known = all(token.readings for token in content)
    is_imperative = any_of(content, *verbs[:2])
    if not names_object(content, slots, spoken) or not (is_known or is_imperative):
        if not (is_known and is_imperative and is_told_by_what_it_is_not(content, spoken)):
            return None
    return ParsedCommand(Intent.GRASP, instruction_of(slots), slots)


def _moves_what_is_held(content: Sequence[Token], slots: Slots) -> bool:
    """Whether "it" is to be brought or wanted elsewhere, "bring it closer", and nothing is said of an object."""
    it = any(token.has("words.it") and not token.has("words.one", "words.the") for token in content)
    if not it or any_of(content, "words.one") or slots.keys() & {"noun", "colour", "size", *EXCLUDED}:
        return False
    is_wanted = not any_of(content, "verbs.grasp", "verbs.give")
    return slots.keys() <= {"place", "gentle"} or is_wanted


def _only_requests(token: Token) -> bool:
    """Whether it says that something is asked for, and not what: "would it be possible", with or without "that you"."""
    return {each for each in token.readings if not each.startswith("gap.")} == {"words.request"}


def _names_reference(content: Sequence[Token]) -> bool:
    """Whether something is named before the relation to it, or two things after it; unlike "my neighbouring cube"."""
    first = next((at for at, token in enumerate(content) if token.has("relations")), len(content))
    named = any(token.has(*KNOWN_OBJECT, "words.one") or not token.readings for token in content[:first])
    return named or sum(token.has("nouns") for token in content[first:]) == 2


def _is_unclear_no(content: Sequence[Token], spoken: Language) -> bool:
    """Whether "no" may be "not": "take the red one no the blue one", said without a pause."""
    both = [at for at, token in enumerate(content) if at and token.has("intents.no") and not token.pause]
    unclear = [at for at in both if not content[at].has("words.except") or any_of(content[:at], *KNOWN_OBJECT)]
    return bool(unclear) and not spoken.negation_after  # "take the one that is not blue" is clear


def _question(content: Sequence[Token], _: Language) -> ParsedCommand | None:
    """A question about what the robot sees, holds or does; one that only asks "where" needs a thing that it knows."""
    unknown = sum(not token.readings for token in content)
    if unknown > 1 or any_of(content, "words.not_object"):
        return None
    about = ("nouns", "colours", "sizes", "words.one", "words.it", "words.gripper")
    asks = any_of(content, "words.asks") or (any_of(content, "intents.question") and any_of(content, *about))
    return ParsedCommand(Intent.QUESTION) if asks else None
