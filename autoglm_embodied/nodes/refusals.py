"""Messages that were refused: counted, and the last reason kept, for each stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock

from autoglm_embodied.errors import SensorError


class Refusals:
    """Notes from any thread what of each stream was refused, and why."""

    def __init__(self, log: Callable[[str], None]) -> None:
        """Every refusal goes to `log` as a sentence; it may leave some out."""
        self._log = log
        self._counts: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._told: Counter[str] = Counter()
        self._lock = Lock()

    def refuse(self, stream: str, error: SensorError) -> None:
        """Note a message of `stream` that cannot be used."""
        with self._lock:
            self._counts[stream] += 1
            self._reasons[stream] = str(error)
        self._log(f"{stream}: {error}")

    def values(self) -> dict[str, float | int | str]:
        """How many were refused in all and of each stream, and the last reason of each, for the diagnostics."""
        with self._lock:
            values: dict[str, float | int | str] = {"refused": self._counts.total()}
            for stream, count in self._counts.items():
                values |= {f"{stream}_refused": count, f"{stream}_refused_because": self._reasons[stream]}
            return values

    def counts(self) -> dict[str, int]:
        """How many of each stream were refused."""
        with self._lock:
            return dict(self._counts)

    def news(self) -> list[str]:
        """A sentence for each stream of which something was refused since this was last asked."""
        with self._lock:
            fresh, self._told = self._counts - self._told, self._counts.copy()
            return [f"{count} of {stream} refused: {self._reasons[stream]}" for stream, count in fresh.items()]
