"""Near misses: English words that a recogniser wrote wrongly, put right where the words around leave no doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from autoglm_embodied.command_language.lexicon import Lexicon, Token
from autoglm_embodied.vocabulary import COLOURS, SHAPES, VERBS

HEARD_AS = {
    "red": "read rad reed",
    "blue": "blew bloom",
    "purple": "purpose",
    "green": "grain",
    "ball": "bawl bold balls",
    "cube": "queue cubed cuban cupid",
    "cylinder": "salinger slender",
}
CONFUSED_WORDS = {written: spoken for spoken, texts in HEARD_AS.items() for written in texts.split()}
"""Words that the recogniser tends to write, to the word spoken."""

NEGATIONS_HEARD_AS = ("and", "and then", "then", "another", "ever", "rather", "going to", "gonna", "done", "do now")
"""First words of a sentence that the recogniser tends to write for "never" and "don't"."""

OPENINGS_HEARD_AS = {"and you": "can you", "good you": "could you", "hero bot": "hey robot", "hero but": "hey robot"}
"""First words that the recogniser tends to write for a polite opening, to the words spoken."""

_FIRST_WORDS = re.compile(r"\s*\w+,?\s+\w+(?=,?\s+\w)")
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


def is_near_stop(word: str) -> bool:
    """Whether a word said alone is a misrecognised stop word: "top", "salt"."""
    return any(edit_distance(word, stop) <= 1 for stop in STOP_WORDS)


def may_be_negated(text: str) -> bool:
    """Whether a sentence begins with words that may be a misrecognised negation: "and then release the cup".

    "And you release the cup" may not: among the eight texts that tiny.en wrote for each of 384 utterances with a
    negation, those of six began with "and you", always with the negation after it; of 64 with "can you", those of 19.
    """
    said = opened(text).lower().replace(",", " ")
    return said.startswith(tuple(f"{words} " for words in NEGATIONS_HEARD_AS))


def opened(text: str) -> str:
    """A sentence with the polite opening that was spoken: "good you" for "could you"."""
    first = _FIRST_WORDS.match(text)
    spoken = OPENINGS_HEARD_AS.get(" ".join(first[0].lower().replace(",", " ").split())) if first else None
    return text if first is None or spoken is None else spoken + text[first.end() :]


def correct_tokens(tokens: Sequence[Token], lexicon: Lexicon) -> list[Token]:
    """Tokens with a near miss of the verb at the beginning, of a colour or of a shape corrected."""
    corrected = list(tokens)
    first = tokens[0]
    if not first.readings and not any(token.has("verbs") for token in tokens) and _is_near_verb(first.said):
        corrected[0] = replace(first, readings=frozenset({"verbs.grasp"}))
    described = [at for at, token in enumerate(corrected) if not token.readings or token.has("colours", "nouns")]
    words = [corrected[at].said for at in described]
    for at, word in zip(described, snap_to_vocabulary(words) if words else [], strict=True):
        if not corrected[at].readings:
            corrected[at] = replace(corrected[at], said=word, readings=lexicon.readings(word))
    return corrected


def _is_near_verb(word: str) -> bool:
    # One letter off, the first one right: "graspy", "grabs". Never a short verb, never "kick" or "bake".
    verbs = [verb for verb in VERBS - {"pick"} if len(verb) > 3 and word[:1] == verb[0]]
    return len(word) > 3 and any(edit_distance(word, verb) <= 1 for verb in verbs)
