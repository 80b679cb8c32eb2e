"""The instants at which a recording is observed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

NS_PER_S = 1e9
OTHER_CLOCK_NS = 1_000_000_000  # between stamp and wall clock: then the stamps are of a clock of their own


class Instant(NamedTuple):
    """A tick: on the clock of the header stamps, and on that of the receive times."""

    t_ns: int
    now_receive_ns: int


class TickSchedule(Protocol):
    """When there is a tick."""

    def update(self, stamp_ns: int, receive_ns: int) -> None:
        """Take note of a message of a fast stream.

        Args:
            stamp_ns: of its header.
            receive_ns: when it came.
        """
        ...

    def due_before(self, receive_ns: int) -> Iterable[Instant]:
        """The ticks that are due before a message of that time is taken."""
        ...


class EvenTicks:
    """Ticks at a steady rate from the first message on.

    The stamps are taken to be of the wall clock, as those of drivers are; where they are not (simulated time), the
    tick is as long after the newest stamp as that message came ago.

    Args:
        rate_hz: of the ticks.
        epoch_ns: returns the wall clock minus the clock of the receive times, once the first message is there.
    """

    def __init__(self, rate_hz: float, epoch_ns: Callable[[], int]) -> None:
        self._period_ns = round(NS_PER_S / rate_hz)
        self._epoch_ns = epoch_ns
        self._next_ns: int | None = None
        self._newest: tuple[int, int] | None = None

    def update(self, stamp_ns: int, receive_ns: int) -> None:
        """Take note of a message of a fast stream."""
        self._newest = stamp_ns, receive_ns

    def due_before(self, receive_ns: int) -> Iterable[Instant]:
        """The ticks that are due."""
        if self._next_ns is None:
            self._next_ns = receive_ns
        while self._next_ns < receive_ns:
            yield Instant(self._stamp_ns(self._next_ns), self._next_ns)
            self._next_ns += self._period_ns

    def _stamp_ns(self, now_receive_ns: int) -> int:
        wall_ns = now_receive_ns + self._epoch_ns()
        if self._newest is None:
            return wall_ns
        stamp_ns = self._newest[0] + now_receive_ns - self._newest[1]
        return stamp_ns if abs(stamp_ns - wall_ns) > OTHER_CLOCK_NS else wall_ns
