"""The objects and words of every split, those kept for measuring included. Nothing that learns may import this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR, Grammar
from autoglm_embodied_sim.language.measuring_grammar import MEASURING_GRAMMAR
from autoglm_embodied_sim.objects.measuring_objects import measuring_shapes
from autoglm_embodied_sim.objects.mesh_file import user_shapes
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.objects.shape import Shape

SPLITS = ("test", *(split.value for split in Split))
WORDS = {"learned": LEARNING_GRAMMAR, "held-out": MEASURING_GRAMMAR}
"""How instructions are said, by name."""


def check_split(split: str) -> None:
    """ConfigError with the valid ones if there is no split of this name."""
    if split not in SPLITS:
        raise ConfigError(f"objects come from {', '.join(SPLITS)}, got {split!r}")


def split_shapes(split: str) -> Sequence[Shape]:
    """All objects of a split, in their native size."""
    check_split(split)
    return measuring_shapes() if split == "test" else learning_shapes(Split(split))


def split_grammar(split: str, words: str | None = None) -> Grammar:
    """How instructions are said: the test split has a grammar of its own, unless one of WORDS is asked for."""
    if words is None:
        words = "held-out" if split == "test" else "learned"
    if words not in WORDS:
        raise ConfigError(f"--words must be {' or '.join(WORDS)}, got {words!r}")
    return WORDS[words]


def named_shapes(objects: str) -> Sequence[Shape]:
    """The objects of a split, or, if it is the name of a folder, the user's own that can be used."""
    if objects not in SPLITS and Path(objects).is_dir():
        return user_shapes(Path(objects))[0]
    return split_shapes(objects)
