"""How an action ended: in a word, and as the number that its result carries."""

from __future__ import annotations

from enum import Enum

SUCCEEDED = 0


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

    @property
    def succeeded(self) -> bool:
        """Whether what was asked for was done."""
        return self.code == SUCCEEDED
