"""The processes of a demo: each in a group of its own, its output in a log, and none left when it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from autoglm_embodied.errors import SetupError

PATIENCE_S = {signal.SIGINT: 10.0, signal.SIGTERM: 3.0, signal.SIGKILL: 5.0}
"""How long a process may take to follow each request to end, asked in this order."""

RUN_MARK = "AUTOGLM_RUN"
"""Variable by which every process of a run, and whatever it starts itself, is known."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: the signal that it followed (None: by itself, earlier) and its exit status."""

    name: str
    followed: signal.Signals | None
    status: int | None

    @property
    def clean(self) -> bool:
        """Whether it ended by itself when first asked, with status 0."""
        return self.followed is signal.SIGINT and self.status == 0


@dataclass(frozen=True)
class Process:
    """A running process, which leads the process group of its own id."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def members(self) -> list[psutil.Process]:
        """Living processes of the group, zombies left out."""
        return [process for process in psutil.process_iter() if _in_group(process, self.popen.pid)]

    def last_words(self) -> str:
        """The last line that says what went wrong, for a process that died."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else f"it left nothing in {self.log}"


class Processes:
    """Starts processes and ends every one of them.

    Args:
        log_dir: made, and filled with a log for each process.
        environment: of every process; with a RUN_MARK in it, `survivors` finds them.
        inherit: file descriptors that the processes keep open, such as the lock of their domain.
    """

    def __init__(self, log_dir: Path, environment: Mapping[str, str], inherit: Sequence[int] = ()) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self.log_dir = log_dir
        self._environment = dict(environment)
        self._inherit = tuple(inherit)
        self.running: list[Process] = []

    def start(self, name: str, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
        """Start `python -m module arguments`."""
        log = self.log_dir / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [*_bound_to_this_process(), sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment | dict(environment or {}),
                pass_fds=self._inherit,
                start_new_session=True,
            )
        process = Process(name, popen, log)
        self.running.append(process)
        return process

    def check(self) -> None:
        """Raise SetupError with the last words of the first process that is no longer running."""
        for process in self.running:
            status = process.popen.poll()
            if status is not None:
                raise SetupError(f"{process.name} ended with status {status}: {process.last_words()}")

    def stop(self, patience_s: Mapping[signal.Signals, float] = PATIENCE_S) -> list[Ended]:
        """End every process, the youngest first to be asked, and say how each ended."""
        early = {process.popen.pid for process in self.running if process.popen.poll() is not None}
        followed: dict[int, signal.Signals] = {}
        for request, limit_s in patience_s.items():
            waiting = [process for process in reversed(self.running) if process.members()]
            for process in waiting:
                followed[process.popen.pid] = request
                _signal_group(process.popen.pid, request)
            _wait_for(waiting, limit_s)
        return [
            Ended(p.name, None if p.popen.pid in early else followed.get(p.popen.pid), p.popen.poll())
            for p in self.running
        ]


def new_mark() -> dict[str, str]:
    """A RUN_MARK that no other run has."""
    return {RUN_MARK: uuid.uuid4().hex}


def survivors(mark: Mapping[str, str]) -> list[psutil.Process]:
    """Living processes of the run, this one left out, wherever in the process tree they are."""
    found = psutil.process_iter(["pid", "name", "status", "environ"])
    marked = (one for one in found if (one.info["environ"] or {}).get(RUN_MARK) == mark[RUN_MARK])
    return [one for one in marked if one.pid != os.getpid() and one.info["status"] != psutil.STATUS_ZOMBIE]


def end_survivors(mark: Mapping[str, str]) -> list[str]:
    """Kill whatever of the run is still alive; returns what it was."""
    left = survivors(mark)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=PATIENCE_S[signal.SIGKILL])
    return [f"{process.info['name']} ({process.pid})" for process in left]


def _bound_to_this_process() -> list[str]:
    """Prefix that makes the kernel end a process when this one is killed and cannot do so itself."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _wait_for(processes: Sequence[Process], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    for process in processes:
        while time.monotonic() < deadline and (process.popen.poll() is None or process.members()):
            try:  # returns as soon as the leader ends; its children, if any, are looked for again
                process.popen.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            time.sleep(0.02)


def _signal_group(group: int, request: signal.Signals) -> None:
    try:
        os.killpg(group, request)
    except ProcessLookupError:
        pass  # it ended between the look and the call


def _in_group(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
