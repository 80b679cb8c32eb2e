"""What was said, as an event that holds from its instant until another takes its place, is cancelled or grows old."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.types import Sense

MOST = 16  # events kept: speech comes every few seconds, a tick looks at the newest


@dataclass(frozen=True)
class Event:
    """An instruction and when it was given."""

    stamp_ns: int
    text: str


class Events:
    """The newest events, oldest first; every change replaces the whole tuple: a reader never sees half of one."""

    def __init__(self, validity_ns: int) -> None:
        self._validity_ns = validity_ns
        self._events: tuple[Event, ...] = ()

    def push(self, stamp_ns: int, text: str) -> None:
        """Take an event; at each instant the latest one that is not in the future holds."""
        others = (event for event in self._events if event.stamp_ns != stamp_ns)
        self._events = tuple(sorted((*others, Event(stamp_ns, text)), key=lambda event: event.stamp_ns))[-MOST:]

    def cancel(self) -> None:
        """Nothing said so far holds any more."""
        self._events = ()

    def at(self, t_ns: int) -> Sense[str]:
        """The event that holds at `t_ns`, with its age; absent if there is none or it is no longer valid."""
        for event in reversed(self._events):
            if event.stamp_ns <= t_ns:
                age_ns = t_ns - event.stamp_ns
                return Sense(event.text if age_ns <= self._validity_ns else None, age_ns)
        return Sense(None)
