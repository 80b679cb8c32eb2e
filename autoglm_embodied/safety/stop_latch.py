"""A stop that outlives every process: whether a robot is stopped, why and since when, in a small file on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.whole_file import whole_file

FILE, FOLDER = "stop.json", "autoglm_embodied"
MOST_BYTES = 10_000  # of a file that is one of these
MOST_WHY = 200  # characters: what a recogniser heard may be long


@dataclass(frozen=True)
class StopState:
    """Whether the robot is stopped, why, and since when (UTC, ISO 8601)."""

    stopped: bool
    why: str
    since: str

    def __str__(self) -> str:
        return f"{'stopped' if self.stopped else 'free to move'} since {self.since}: {self.why}"


def latch_file(domain: int, namespace: str, environment: Mapping[str, str]) -> Path:
    """Where the stop of a robot is kept: a folder for each ROS domain, and in it one for each namespace.

    Args:
        domain: of ROS.
        namespace: of the governor, such as /r1.
        environment: variables; the folder is below $XDG_STATE_HOME, or ~/.local/state where that is not set.

    Raises:
        ConfigError: the folder has no absolute path.
    """
    home = environment.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    if not os.path.isabs(home):
        raise ConfigError(f"XDG_STATE_HOME must be an absolute path, got {home!r}; stops are kept below it")
    return Path(home, FOLDER, f"domain_{domain}", *namespace.strip("/").split("/"), FILE)


class StopLatch:
    """Keeps a stop in its file; what cannot be read or written counts as a stop.

    Only the file's absence is a robot that was never stopped. Times are seconds of the Unix epoch, for people.
    """

    def __init__(self, path: Path, now_s: float) -> None:
        self._path = path
        self._written: StopState | None = None
        self.state = self._read(now_s)

    def stop(self, why: str, now_s: float) -> None:
        """Record a stop; that of an earlier one stays.

        Raises:
            SetupError: it could not be written, so that it may end with this process.
        """
        if not self.state.stopped:
            self.state = StopState(True, why[:MOST_WHY], _utc(now_s))
        if self._written != self.state:
            try:
                self._write(self.state)
            except OSError as error:
                with suppress(OSError):
                    os.truncate(self._path, 0)  # needs no space on a full disk, and an empty file is a stop
                raise SetupError(f"the stop may not outlive this process: {self._unwritable(error)}") from error

    def release(self, why: str, now_s: float) -> None:
        """Record that the robot may move.

        Raises:
            SetupError: it could not be written; the robot stays stopped.
        """
        free = StopState(False, why[:MOST_WHY], _utc(now_s))
        try:
            self._write(free)
        except OSError as error:
            raise SetupError(f"the robot stays stopped: {self._unwritable(error)}") from error
        self.state = free

    def _read(self, now_s: float) -> StopState:
        try:
            with self._path.open("rb") as file:
                text = file.read(MOST_BYTES)
        except FileNotFoundError:
            return self._first(now_s)
        except OSError as error:
            return self._unknown(f"cannot be read ({error.strerror})", now_s)
        state = _parse(text)
        if state is None:
            return self._unknown("does not say whether the robot was stopped", now_s)
        self._written = state
        return state

    def _first(self, now_s: float) -> StopState:
        """The state of a robot that was never stopped, if its stops can be kept."""
        free = StopState(False, "never stopped", _utc(now_s))
        try:
            self._write(free)
        except OSError as error:
            return StopState(True, self._unwritable(error), _utc(now_s))
        return free

    def _unknown(self, what: str, now_s: float) -> StopState:
        return StopState(True, f"{self._path} {what}; look at the robot, then resume", _utc(now_s))

    def _unwritable(self, error: OSError) -> str:
        return f"{self._path} cannot be written ({error.strerror}); free its disk or set XDG_STATE_HOME"

    def _write(self, state: StopState) -> None:
        """Write the file whole, and to the disk itself: a power cut is an end like any other."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self._path) as partial, partial.open("w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
            file.flush()
            os.fsync(file.fileno())
        self._written = state


def _parse(text: bytes) -> StopState | None:
    """The state in a file, None where there is none or more than that."""
    try:
        values = json.loads(text)
        state = StopState(**values)
    except (ValueError, TypeError, RecursionError):
        return None
    whole = isinstance(state.stopped, bool) and isinstance(state.why, str) and isinstance(state.since, str)
    return state if whole else None


def _utc(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, timezone.utc).isoformat(timespec="seconds")
