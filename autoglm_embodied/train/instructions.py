"""Sentences that name objects of a scene, and which of them each sentence fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.vocabulary import COLOURS, SHAPES, words

VERBS = ("pick up", "grab", "take", "get", "lift", "grasp")

Named = tuple[str, str]  # colour and shape of an object; the shape is empty where no word says it


@dataclass(frozen=True)
class Description:
    """What a sentence says: a colour, a shape, both or neither."""

    colour: str | None
    shape: str | None

    def fits(self, obj: Named) -> bool:
        """Whether `obj` is one that is meant."""
        return self.colour in (None, obj[0]) and self.shape in (None, obj[1])

    def sentence(self, verb: str) -> str:
        """The instruction in words."""
        noun = self.shape or ("one" if self.colour else "object")
        return " ".join(word for word in (verb, "the", self.colour, noun) if word)


def matches(description: Description, objects: Sequence[Named]) -> list[int]:
    """Indices of the objects of a scene that fit."""
    return [index for index, obj in enumerate(objects) if description.fits(obj)]


def described(sentence: str) -> Description:
    """What a sentence says; the last colour and shape where it names several."""
    said = words(sentence)
    colours, shapes = ([word for word in said if word in known] for known in (COLOURS, SHAPES))
    return Description(colours[-1] if colours else None, shapes[-1] if shapes else None)


def naming(objects: Sequence[Named], target: int, rng: np.random.Generator) -> Description:
    """A random description that fits object `target` and no other; all that is known of it if nothing less does."""
    colour, shape = objects[target]
    options = [Description(colour, None)]
    if shape:
        options += [Description(None, shape), Description(colour, shape)]
    fitting = [option for option in options if matches(option, objects) == [target]]
    return fitting[int(rng.integers(len(fitting)))] if fitting else options[-1]


def any_description(objects: Sequence[Named], rng: np.random.Generator) -> Description:
    """A random description, of something there or not: most start from an object of the scene."""
    colour, shape = str(rng.choice(COLOURS)), str(rng.choice(SHAPES))
    if objects and rng.random() < 0.7:
        seen = objects[int(rng.integers(len(objects)))]
        colour, shape = (seen[0], seen[1] or shape) if rng.random() < 0.75 else (seen[0], shape)
    kind = rng.random()
    if kind < 0.25:
        return Description(colour, None)
    if kind < 0.6:
        return Description(None, shape)
    return Description(colour, shape) if kind < 0.98 else Description(None, None)


def random_verb(rng: np.random.Generator) -> str:
    """A verb of the training grammar."""
    return str(rng.choice(VERBS))
