"""What the operator of a robot that is moved by voice reads: a line for what was heard, and for whatever changed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AGE = re.compile(r"\d+ s old")  # that it grows is no news
LONGEST = 200  # letters of what others sent
NOTHING = "nothing to do"


@dataclass(frozen=True)
class RobotStatus:
    """What fusion_node tells of one tick, as in its FusionState."""

    instruction: str  # that it carries out; empty where there is none
    phase: str
    outcome: str  # of the last goal; empty while one runs, and before the first
    message: str
    absent: Sequence[str] = ()  # modalities without a value
    target_m: Sequence[float] = (math.nan,) * 3  # where the named object is believed to be, base frame

    def sentence(self) -> str:
        """The answer to "what are you doing", "what do you hold" and "where is it", and what it does not sense."""
        if self.instruction:
            said = f"{self.instruction}: {self.phase}"
            if all(map(math.isfinite, self.target_m)):
                x, y, z = (f"{value:.2f}" for value in self.target_m)
                said += f"; the object is at x {x}, y {y}, z {z} m in the base frame"
        else:
            said = NOTHING + (f"; the last goal ended as {self.outcome}: {self.message}" if self.outcome else "")
        missing = [each for each in self.absent if each != "language"]
        return _printable(said + (f"; without {' and '.join(missing)}" if missing else ""))


class OperatorView:
    """Makes lines of what the nodes tell. What is told again and again becomes a line when it changes."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def heard(self, sentence: str, values: Mapping[str, str]) -> str:
        """The line of an utterance: what was heard, and how it was understood, asked back or refused.

        Args:
            sentence: of the answer.
            values: of the answer: outcome and, where a command was found, text and confidence.
        """
        text, confidence = values.get("text", ""), values.get("confidence", "")
        said = f"{text!r} ({confidence}) " if text else ""
        return _line("you", f"{said}{values.get('outcome', 'heard')}: {sentence}")

    def changed(self, who: str, told: str) -> str | None:
        """The line of what a node tells of itself; None where it is what was shown last.

        Args:
            who: what it is about, such as "governor".
            told: the present state.
        """
        news = AGE.sub("", told)
        if self._shown.get(who) == news:
            return None
        self._shown[who] = news
        return _line(who, told)

    def acted(self, instruction: str, phase: str, outcome: str, message: str) -> str | None:
        """The line of what the robot does, where that changed.

        Args:
            instruction: that it carries out; empty where there is none.
            phase: of the running action.
            outcome: of the action; empty while it runs.
            message: the outcome in one sentence.
        """
        running = f"{instruction}: {phase}" if instruction else NOTHING
        return self.changed("robot", f"{outcome}: {message}" if outcome else running)


def _line(who: str, told: str) -> str:
    return f"{who:>8}  {_printable(told)}"


def _printable(told: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in told)
    return printable if len(printable) <= LONGEST else printable[: LONGEST - 3] + "..."
