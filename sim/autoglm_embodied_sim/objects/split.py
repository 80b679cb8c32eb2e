"""The one place that knows which of the `random_urdfs` are for what.

The objects kept for measuring are named nowhere else than in `for_measuring`, which nothing that learns may import.
"""

from __future__ import annotations

from enum import Enum

BROKEN = frozenset({168})
"""Its file holds no numbers."""
SPECKS = frozenset({295, 297, 602, 824})
"""Smaller than a tenth of a millilitre in their native size: nothing that weighs 0.1 kg or more."""


class Split(Enum):
    """The objects that learning may see."""

    TRAIN = "train"
    VALIDATE = "validate"


NUMBERS = {Split.TRAIN: range(0, 800), Split.VALIDATE: range(800, 900)}


def numbers(split: Split) -> tuple[int, ...]:
    """The `random_urdfs` of a split, in order."""
    return tuple(number for number in NUMBERS[split] if number not in BROKEN | SPECKS)
