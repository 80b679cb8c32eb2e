"""What the arm is asked to do, by an action or by voice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoglm_embodied.types import Intent
from autoglm_embodied.voice.grammar import parse_command

TO_PERSON = {"relation": "to_person"}
"""Slots of a place that is a hand over."""


@dataclass(frozen=True)
class Goal:
    """A grasp, a place, a release, home, or one small step; slots are those of spoken commands (docs/voice.md)."""

    intent: Intent
    instruction: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = self.instruction or " ".join(self.slots.values())
        return f"{self.intent.name.lower()} {said}".strip()


def place_slots(instruction: str) -> Mapping[str, str] | None:
    """The slots of a place said in English, with or without its verb: "left of the red cube"; None if it is none."""
    for sentence in (instruction, f"put it {instruction}") if instruction.strip() else ():
        parsed = parse_command(sentence)
        if parsed is not None and parsed.intent is Intent.PLACE:
            return parsed.slots
        if parsed is not None and parsed.intent is Intent.HAND_OVER:
            return TO_PERSON
    return None


def reference_of(slots: Mapping[str, str]) -> str:
    """The instruction that names the reference of a place, such as "pick up the red cube"; empty without one."""
    said = [slots[f"ref_{slot}"] for slot in ("size", "colour", "noun") if f"ref_{slot}" in slots]
    return f"pick up the {' '.join(said)}" if said else ""
