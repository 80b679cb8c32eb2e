"""The timeline of a demo: moments with their time since the start, printed as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

STYLES = {"held": "bold green", "judged": "bold green", "refused": "bold yellow", "not held": "bold yellow"}


@dataclass(frozen=True)
class Moment:
    """Something that happened: its name, when [ns], and what it was."""

    name: str
    t_ns: int
    text: str


class Timeline:
    """Notes and prints each moment once.

    Args:
        clock_ns: now in ROS time.
        console: where the moments are printed.
    """

    def __init__(self, clock_ns: Callable[[], int], console: Console) -> None:
        self._clock_ns = clock_ns
        self._console = console
        self.start_ns = clock_ns()
        self.moments: list[Moment] = []

    def mark(self, name: str, text: str, t_ns: int | None = None) -> None:
        """Note what happens now, or happened at `t_ns`; only the first of a name counts."""
        if self.at_s(name) is not None:
            return
        moment = Moment(name, self._clock_ns() if t_ns is None else t_ns, text)
        self.moments.append(moment)
        line = Text(f"{self.since_start_s(moment.t_ns):7.2f} s  ", style="dim")
        line.append(f"{name:<15}", style=STYLES.get(name, "bold cyan")).append(text, style="not dim")
        self._console.print(line, soft_wrap=True)

    def since_start_s(self, t_ns: int) -> float:
        """Seconds from the start to `t_ns`."""
        return (t_ns - self.start_ns) / 1e9

    def at_s(self, name: str) -> float | None:
        """Seconds from the start to the moment `name`; None if it has not come."""
        return next((self.since_start_s(moment.t_ns) for moment in self.moments if moment.name == name), None)
