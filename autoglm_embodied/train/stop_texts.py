"""Texts that the stop channel learns from and is measured on; brackets say where the word is: "please [stop] now"."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

WORD = "stop"
SENTENCE_WORDS = (3, 14)  # least and most
ALONE = ("[stop]", "[stop]", "[stop]!", "[stop].", "[stop]?")
REPEATED = ("[stop], [stop]", "[stop]! [stop]!", "[stop] [stop] [stop]", "[stop], [stop], [stop]!")
BEFORE = (
    *("robot", "please", "now", "hey", "okay", "wait", "no", "and", "just", "then", "oh", "quick", "arm"),
    *("no no", "i said", "you must", "it should", "tell it to", "hey robot", "you have to", "please just"),
)
AFTER = (
    *("now", "it", "that", "please", "robot", "there", "here", "moving", "everything", "right there"),
    *("right now", "the robot", "the arm", "at once", "immediately", "what you are doing", "and wait"),
)
SOUNDS_LIKE_IT = """
top shop step start stock stuff drop what spot stomach staff stack stoop steep stab stamp stump stomp store stone stall
storm star stuck stick state still stand stay strap strip soup swap snap slop slap sharp chop hop pop cop mop crop prop
flop lap tap tape tub talk task dock dot dog got not hot knock lock rock sock clock block box sob scott spa stark
""".split()
PHRASES = (
    *("top of the", "on top", "at the top", "the shop", "step back", "next step", "start now", "start again"),
    *("let it drop", "a lot of stuff", "that spot", "best of all", "just a bit", "first of all", "last of it"),
    *("stood up", "stayed up", "step up", "sit up", "set up", "slow down", "hold on", "faster", "resume", "continue"),
    *("cancel", "pick up the red cube", "grab the blue ball", "put it on top of the box", "take the small one"),
    *("open the gripper", "close the gripper", "move left", "move up two inches", "turn it around", "hand it over"),
    *("go home", "the other one", "not that one", "one two three", "four five six", "seven eight nine ten"),
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, in lower case, neither short nor long, and without any form of the word."""
    found = [" ".join(re.findall(r"[a-z]+(?:'[a-z]+)?", each.lower())) for each in re.split(r"[.!?;:]+|\n\s*\n", text)]
    least, most = SENTENCE_WORDS
    return [each for each in found if least <= len(each.split()) <= most and WORD not in each]


def spoken(text: str) -> str:
    """What is to be said of a text."""
    return text.replace("[", "").replace("]", "")


def place_of_word(text: str) -> str:
    """Where the word is: "alone", "end", "start", "middle", "repeated" or "none"."""
    before, *after = text.split("[")
    if len(after) != 1:
        return "repeated" if after else "none"
    if re.search(r"\w", after[0].partition("]")[2]):
        return "middle" if before else "start"
    return "end" if before else "alone"


def draw_text(rng: np.random.Generator, others: Sequence[str]) -> str:
    """A text: in about three of five the word, else what sounds like it, or one of `others`, which are sentences."""
    kinds = (_alone, _repeated, _end, _start, _middle, _like_it, _other)
    kind = kinds[rng.choice(len(kinds), p=(0.22, 0.04, 0.18, 0.10, 0.08, 0.16, 0.22))]
    return kind(rng, others)


def _alone(rng: np.random.Generator, others: Sequence[str]) -> str:
    return _one(rng, ALONE)


def _repeated(rng: np.random.Generator, others: Sequence[str]) -> str:
    return _one(rng, REPEATED)


def _end(rng: np.random.Generator, others: Sequence[str]) -> str:
    return f"{_before(rng, others)}{_one(rng, (' ', ' ', ', '))}[stop]{_one(rng, ('', '!'))}"


def _start(rng: np.random.Generator, others: Sequence[str]) -> str:
    return f"[stop] {_after(rng, others)}"


def _middle(rng: np.random.Generator, others: Sequence[str]) -> str:
    return f"{_before(rng, others)} [stop] {_after(rng, others)}"


def _like_it(rng: np.random.Generator, others: Sequence[str]) -> str:
    near = _one(rng, SOUNDS_LIKE_IT) if rng.random() < 0.7 else _one(rng, PHRASES)
    return near if rng.random() < 0.6 else f"{_before(rng, others)} {near}"


def _other(rng: np.random.Generator, others: Sequence[str]) -> str:
    return _one(rng, others)


def _before(rng: np.random.Generator, others: Sequence[str]) -> str:
    return _one(rng, BEFORE) if rng.random() < 0.5 else " ".join(_one(rng, others).split()[: rng.integers(1, 4)])


def _after(rng: np.random.Generator, others: Sequence[str]) -> str:
    return _one(rng, AFTER) if rng.random() < 0.5 else " ".join(_one(rng, others).split()[-rng.integers(1, 4) :])


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
