"""Command grammar: English text to stop, resume, cancel, or a grasp of the object named; near misses are corrected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autoglm_embodied.types import Intent
from autoglm_embodied.vocabulary import COLOURS, FILLER, SHAPES, VERBS, words

HEARD_AS = {
    "red": "read rad reed",
    "blue": "blew bloom",
    "yellow": "hello",
    "purple": "purpose",
    "green": "grain",
    "ball": "bowl bawl bold balls",
    "cube": "queue cubed cuban cupid",
    "cylinder": "salinger slender",
}
CONFUSED_WORDS = {written: spoken for spoken, texts in HEARD_AS.items() for written in texts.split()}
"""Words that the recogniser tends to write, to the word spoken."""

LONG_WORD = 7  # letters from which two edits are a near miss; below it is one


def edit_distance(left: str, right: str) -> int:
    """Edit distance of two words with swaps of neighbours (Damerau-Levenshtein, optimal string alignment)."""
    above: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, start=1):
        further, above, row = above, row, [i]
        for j, other in enumerate(right, start=1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                best = min(best, further[j - 2] + 1)
            row.append(best)
    return row[-1]


def snap_to_vocabulary(description: Sequence[str]) -> list[str]:
    """The words of an object's description, such as ["read", "cube"], with a near miss corrected."""
    corrected = list(description)
    colours = [word for word in description if word in COLOURS]
    shapes = [word for word in description if word in SHAPES]
    if len(colours) == 1 and not shapes and description[-1] not in COLOURS:
        corrected[-1] = _nearest(description[-1], SHAPES)
    if len(shapes) == 1 and not colours and len(description) == 2 and description[-1] in SHAPES:
        corrected[0] = _nearest(description[0], COLOURS)
    return corrected


def _nearest(word: str, names: Sequence[str]) -> str:
    if CONFUSED_WORDS.get(word) in names:
        return CONFUSED_WORDS[word]
    max_edits = 2 if len(word) >= LONG_WORD else 1 if len(word) >= 4 else 0
    near = [name for name in names if edit_distance(word, name) <= max_edits]
    return near[0] if len(near) == 1 else word


STOP_WORDS = ("stop", "halt", "freeze", "abort", "wait")
STOP_PHRASES = ("hold", "hold on", "hold it", "hold still", "stand still", "do not move", "don't move")
RESUME_PHRASES = ("resume", "continue", "go on", "go ahead", "carry on", "keep going", "proceed")
CANCEL_PHRASES = ("cancel", "never mind", "nevermind", "forget it", "forget that")
LONGEST_STOP = 5  # words, where the stop word is neither the first nor the last

_NOT_STOP = re.compile(r"\b(?:don't|do not|never|without|non) stop")
_POLITE = re.compile(
    r"^(?:(?:please|now|ok|okay|hey|hi|hello|robot|so|well|um|uh|er|then|next|alright|right|and|just|kindly|go and|"
    r"i want you to|i would like you to|i'd like you to|i need you to|let's|let us|"
    r"(?:(?:can|could|would|will|good|and|now) )?you(?: please)?)(?: |$))+"
)
_POLITE_END = re.compile(r"(?: (?:please|now|for me|for us|thanks|thank you|robot|right now|immediately))+$")
_PARTICLE = re.compile(r"^(?:up|me|us|hold of|hold on|a hold of|out|over|to me)(?: |$)")
_DETERMINERS = frozenset(("the", "a", "an", "that", "this", "my", "any", "some"))


@dataclass(frozen=True)
class ParsedCommand:
    """The intent of a sentence; `instruction` is normalised, and empty for all but a grasp."""

    intent: Intent
    instruction: str = ""


def parse_command(text: str) -> ParsedCommand | None:
    """The command in a recognised sentence, or None where there is none.

    "Could you grab the read cube, please?" gives a grasp of "pick up the red cube".
    """
    spoken = " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'")))
    if _is_stop(spoken):
        return ParsedCommand(Intent.STOP)
    spoken = _POLITE_END.sub("", _POLITE.sub("", spoken))
    if spoken in RESUME_PHRASES:
        return ParsedCommand(Intent.RESUME)
    if spoken in CANCEL_PHRASES or re.match(r"cancel(?: \S+){0,3}$", spoken):
        return ParsedCommand(Intent.CANCEL)
    instruction = _grasp_instruction(spoken)
    return ParsedCommand(Intent.GRASP, instruction) if instruction else None


def _is_stop(spoken: str) -> bool:
    found = spoken.split()
    if not found or _NOT_STOP.search(spoken):
        return False
    if found[0] == "emergency" or _POLITE_END.sub("", _POLITE.sub("", spoken)) in STOP_PHRASES:
        return True
    if len(found) == 1:  # a misrecognised stop is still a stop: "top", "salt"
        return any(edit_distance(found[-1], word) <= 1 for word in STOP_WORDS)
    where = [index for index, word in enumerate(found) if word in STOP_WORDS]
    return bool(where) and (len(found) <= LONGEST_STOP or where[0] == 0 or where[-1] == len(found) - 1)


def _grasp_instruction(spoken: str) -> str:
    verb, _, rest = spoken.partition(" ")
    if not _is_verb(verb, rest):
        return ""
    while (shorter := _PARTICLE.sub("", rest)) != rest:
        rest = shorter
    named, other_verb, tail = _split_at_second_verb(rest)
    if other_verb and _content(tail):  # two commands in one sentence: ambiguous
        return ""
    description = snap_to_vocabulary(_content(named))
    known = {*COLOURS, *SHAPES} & set(description)
    if not description or not (_DETERMINERS & set(named.split()) or known):
        return ""
    return f"pick up the {' '.join(_canonical_order(description))}"


def _is_verb(word: str, rest: str) -> bool:
    if word in VERBS:
        return word != "pick" or bool(re.search(r"\bup\b|\b(?:the|that|this)\b", rest))
    if re.match(r"up\b", rest) and word[:1] == "p" and edit_distance(word, "pick") <= 1:
        return True
    # One letter off, the first one right: "graspy", "grabs". Never a short verb, never "kick" or "bake".
    return any(len(verb) > 3 and word[:1] == verb[0] and edit_distance(word, verb) <= 1 for verb in VERBS - {"pick"})


def _split_at_second_verb(rest: str) -> tuple[str, str, str]:
    joined = "|".join(sorted(VERBS))
    match = re.search(rf"(?:\band )?\b({joined})\b(?: |$)", rest)
    return (rest[: match.start()], match[1], rest[match.end() :]) if match else (rest, "", "")


def _content(named: str) -> list[str]:
    """The words that say which object is meant."""
    return [word for word in words(named) if word not in FILLER and word not in _DETERMINERS]


def _canonical_order(description: list[str]) -> list[str]:
    """Colour then shape ("one" where the shape is left out), if there are no other words; otherwise as spoken."""
    colours = [word for word in description if word in COLOURS]
    shapes = [word for word in description if word in SHAPES]
    if len(colours) > 1 or len(shapes) > 1 or len(colours) + len(shapes) < len(description):
        return description
    return [*colours, *(shapes or ["one"])]
