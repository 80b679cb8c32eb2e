"""A deadman, or hold-to-run: the arm moves only while a person goes on saying that it may."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.setting import check_ranges, setting

MS = 1_000_000


@dataclass(frozen=True)
class DeadmanSettings:
    """Whether a deadman is needed, and how often it must be heard."""

    required: bool = setting(False, "whether the arm moves only while the deadman is held")
    timeout_ns: int = setting(
        250 * MS, "age of the last word that it is held at which the arm stops", least=MS, most=10_000 * MS
    )

    def __post_init__(self) -> None:
        check_ranges(self, "deadman")


class Deadman:
    """Keeps what was last heard of the deadman. Times are receive times on the monotonic clock."""

    def __init__(self, settings: DeadmanSettings) -> None:
        self._settings = settings
        self._held_ns: int | None = None  # when it was last said to be held; None: it is released

    def take(self, receive_ns: int, held: bool) -> None:
        """Take whether it is held, and when that came."""
        self._held_ns = receive_ns if held else None

    def released(self, now_ns: int) -> bool:
        """Whether the arm must stand; never where none is required."""
        held = self._held_ns is not None and now_ns - self._held_ns <= self._settings.timeout_ns
        return self._settings.required and not held
