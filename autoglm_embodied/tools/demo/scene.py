"""What the simulator says of its table: the objects on it, what it asks for, and what its judge found in the hand."""

from __future__ import annotations

import json
from dataclasses import dataclass

from autoglm_embodied.errors import SensorError
from autoglm_embodied.train.instructions import Named, described, matches
from autoglm_embodied.vocabulary import words


@dataclass(frozen=True)
class DemoScene:
    """Colour and shape of each object on the table, and an instruction that the simulator chose."""

    objects: tuple[Named, ...]
    instruction: str
    target: int | None  # index of the object that it means

    @classmethod
    def from_json(cls, text: str) -> DemoScene:
        """The scene out of the answer of `sim/reset`; SensorError if it is none."""
        try:
            answer = json.loads(text)
            objects = tuple((obj["colour"], obj["shape"]) for obj in answer["objects"])
            return cls(objects, str(answer["instruction"]), answer["target"])
        except (ValueError, KeyError, TypeError) as error:
            raise SensorError(f"the simulator must answer with a scene as JSON, got {text[:80]!r}") from error

    def __str__(self) -> str:
        return self.names(range(len(self.objects)))

    def names(self, indices: range | tuple[int, ...]) -> str:
        """Some of the objects in words, such as "red cube, blue ball"; "nothing" for none."""
        return ", ".join(" ".join(self.objects[index]) for index in indices) or "nothing"

    def named_by(self, instruction: str) -> int | None:
        """Index of the one object that an instruction means; None where it fits none or several."""
        if words(instruction) == words(self.instruction):
            return self.target
        fitting = matches(described(instruction), self.objects)
        return fitting[0] if len(fitting) == 1 else None


def held_objects(text: str) -> tuple[int, ...]:
    """Indices of the objects in the hand, out of the answer of `sim/judge`; SensorError if it is none."""
    try:
        return tuple(int(index) for index in json.loads(text)["held"])
    except (ValueError, KeyError, TypeError) as error:
        raise SensorError(f"the simulator must answer 'held' as JSON, got {text[:80]!r}") from error
