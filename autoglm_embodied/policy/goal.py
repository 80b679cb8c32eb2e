"""What the arm is asked to do, by an action or by voice, and how that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.types import Intent

TO_PERSON = {"relation": "to_person"}
"""Slots of a place that is a hand over."""
PACE = "pace"
"""Slot with the share of the set speed, above 0 to 1, at which a goal travels; absent: all of it."""
SUCCEEDED = 0


@dataclass(frozen=True)
class Goal:
    """A grasp, a place, a release, home, or one small step; slots are those of spoken commands (docs/voice.md)."""

    intent: Intent
    instruction: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = self.instruction or " ".join(value for slot, value in self.slots.items() if slot != PACE)
        return f"{self.intent.name.lower()} {said}".strip()


class Outcome(Enum):
    """How an action ended; a word, and a code which the files of the actions hold too and which never changes."""

    def __init__(self, word: str, code: int) -> None:
        self.word = word
        self.code = code

    RUNNING = "", -1
    HELD = "held", SUCCEEDED
    PLACED = "placed", SUCCEEDED
    RELEASED = "released", SUCCEEDED
    HANDED_OVER = "handed_over", SUCCEEDED
    AT_HOME = "at_home", SUCCEEDED
    DONE = "done", SUCCEEDED  # a jog, a rotation, the gripper opened or closed
    UNKNOWN_WORDS = "unknown_words", 100
    NOT_FOUND = "not_found", 101
    AMBIGUOUS = "ambiguous", 102
    NOT_POSSIBLE = "not_possible", 103
    NOT_HELD = "not_held", 200
    WRONG_OBJECT = "wrong_object", 201
    UNCONFIRMED = "unconfirmed", 202
    HAND_NOT_EMPTY = "hand_not_empty", 203
    HAND_EMPTY = "hand_empty", 204
    LOST = "lost", 205
    NO_SUPPORT = "no_support", 206
    NOT_RELEASED = "not_released", 207
    VANISHED = "vanished", 208
    STOPPED = "stopped", 300
    CANCELED = "canceled", 301
    PREEMPTED = "preempted", 302
    BUSY = "busy", 303
    TIMEOUT = "timeout", 400
    SENSOR_MISSING = "sensor_missing", 401
    BLOCKED = "blocked", 402
    UNFAMILIAR = "unfamiliar", 403

    @property
    def succeeded(self) -> bool:
        """Whether what was asked for was done."""
        return self.code == SUCCEEDED


REFUSALS = (Outcome.NOT_FOUND, Outcome.AMBIGUOUS, Outcome.UNKNOWN_WORDS)
"""The words mean no object, or several: nothing was tried."""
REFUSAL_WORDS = tuple(each.word for each in REFUSALS)


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
