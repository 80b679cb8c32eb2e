"""Corrects words heard almost right, and only where a wrong correction cannot name another thing.

A word is corrected when all of this holds: the vocabulary does not know it; it stands where a colour or a
shape belongs (a shape last, a colour before it); the thing has no other word of that kind; the other kind
is there, heard exactly; and the word is a listed sound-alike or one letter off (two in words of seven letters
or more) of exactly one name. So "read cube" and "yellow sylinder" are corrected, "take the call",
"black cube" and "tall red cube" are not.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.vocabulary import COLOURS, SHAPES

SOUND_ALIKES = {
    "read": "red",
    "rad": "red",
    "reed": "red",
    "blew": "blue",
    "bloom": "blue",
    "hello": "yellow",
    "purpose": "purple",
    "grain": "green",
    "bowl": "ball",
    "bawl": "ball",
    "bold": "ball",
    "balls": "ball",
    "queue": "cube",
    "cubed": "cube",
    "cuban": "cube",
    "cupid": "cube",
    "salinger": "cylinder",
    "slender": "cylinder",
}
LONG_WORD = 7


def distance(left: str, right: str) -> int:
    """Letters to insert, delete, replace or swap with a neighbour to make one word of the other."""
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


def snapped(thing: Sequence[str]) -> list[str]:
    """The words of a thing, such as ["read", "cube"], with a near miss corrected."""
    corrected = list(thing)
    colours = [word for word in thing if word in COLOURS]
    shapes = [word for word in thing if word in SHAPES]
    if len(colours) == 1 and not shapes and thing[-1] not in COLOURS:
        corrected[-1] = _nearest(thing[-1], SHAPES)
    if len(shapes) == 1 and not colours and len(thing) == 2 and thing[-1] in SHAPES:
        corrected[0] = _nearest(thing[0], COLOURS)
    return corrected


def _nearest(word: str, names: Sequence[str]) -> str:
    if SOUND_ALIKES.get(word) in names:
        return SOUND_ALIKES[word]
    reach = 2 if len(word) >= LONG_WORD else 1 if len(word) >= 4 else 0
    near = [name for name in names if distance(word, name) <= reach]
    return near[0] if len(near) == 1 else word
