"""What the simulator says lies on the table, and a sentence that names one of the things and no other."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.train.instructions import Description, Named, matches, naming, random_verb
from autoglm_embodied.vocabulary import COLOURS, SHAPES, words


@dataclass(frozen=True)
class SceneThings:
    """Colour and shape of each thing on the table."""

    things: tuple[Named, ...]

    @classmethod
    def from_json(cls, text: str) -> SceneThings:
        """The scene out of the answer of `sim/reset`."""
        return cls(_named(text, "things"))

    def __str__(self) -> str:
        return ", ".join(map(" ".join, self.things))

    def sentence(self, seed: int) -> str:
        """A command to pick up one of the things, by colour, shape or both, drawn with `seed`."""
        rng = np.random.default_rng(seed)
        target = int(rng.integers(len(self.things)))
        return naming(self.things, target, rng).sentence(random_verb(rng))

    def named_by(self, instruction: str) -> list[Named]:
        """The things that an instruction fits."""
        said = words(instruction)
        colour = next((colour for colour in COLOURS if colour in said), None)
        shape = next((shape for shape in SHAPES if shape in said), None)
        return [self.things[index] for index in matches(Description(colour, shape), self.things)]


def held_things(text: str) -> list[Named]:
    """What the simulator found in the hand, out of the answer of `sim/judge`."""
    return list(_named(text, "held"))


def _named(text: str, key: str) -> tuple[Named, ...]:
    try:
        return tuple((thing["colour"], thing["shape"]) for thing in json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        raise SensorError(f"the simulator must answer {key!r} as JSON, got {text[:80]!r}") from error
