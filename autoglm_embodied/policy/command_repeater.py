"""The command of a tick, sent again and again until the next one; too old, it is taken back, and silence follows."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from autoglm_embodied.types import Command

LIMIT_NS = 70_000_000  # two ticks at 30 Hz


class CommandRepeater:
    """Sends the newest command as often as it is asked to, as long as what it was decided by is not too old.

    Between two ticks the command stands, as it does where policies are trained and evaluated. Whichever thread repeats,
    a policy that hangs commands rest once and is then silent, so that the governor takes over. Times are of the
    monotonic clock; from any thread.
    """

    def __init__(self, send: Callable[[Command | None], None], limit_ns: int) -> None:
        """Be silent.

        Args:
            send: takes each command; None: rest, with the gripper as it is.
            limit_ns: age at which a command is no longer sent.
        """
        self.expired = 0  # how many commands grew too old
        self._send, self._limit_ns = send, limit_ns
        self._newest: tuple[Command | None, int] | None = None  # and when what it was decided by was observed
        self._lock = Lock()  # across the sending: an older command must not follow a newer one

    def take(self, command: Command | None, observed_ns: int, now_ns: int) -> None:
        """Send a tick's command; one that took too long is not carried out.

        Args:
            command: of the tick.
            observed_ns: when the tick began.
            now_ns: now.
        """
        with self._lock:
            self._newest = command, observed_ns
            self._send_newest(now_ns)

    def repeat(self, now_ns: int) -> None:
        """Send the newest command again, rest where it has just grown too old, and nothing after that."""
        with self._lock:
            self._send_newest(now_ns)

    def _send_newest(self, now_ns: int) -> None:
        if self._newest is None:
            return
        command, observed_ns = self._newest
        if now_ns - observed_ns > self._limit_ns:
            self.expired += 1
            command = self._newest = None
        self._send(command)
