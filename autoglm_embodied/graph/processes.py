"""The node processes of a run: each in its own process group, its output in a log file, none left at the end."""

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

# Signals sent to end a process, in this order, and how long to wait after each.
SHUTDOWN_LIMITS_S = {signal.SIGINT: 10.0, signal.SIGTERM: 3.0, signal.SIGKILL: 5.0}
RUN_ID = "AUTOGLM_RUN"  # environment variable of every process of a run, and of whatever those start themselves


@dataclass(frozen=True)
class ProcessExit:
    """The signal that ended a process (None: it had ended by itself before) and its exit status."""

    name: str
    ended_by: signal.Signals | None
    status: int | None

    @property
    def clean(self) -> bool:
        """Whether it ended on the first signal, with status 0."""
        return self.ended_by is signal.SIGINT and self.status == 0


@dataclass(frozen=True)
class Process:
    """A running process, leader of its process group."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def members(self) -> list[psutil.Process]:
        """Living processes of the group, without zombies."""
        return [process for process in psutil.process_iter() if _in_group(process, self.popen.pid)]

    def last_log_line(self) -> str:
        """The last line of its log, which names the error of a process that died."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else f"it wrote nothing to {self.log}"


class Processes:
    """Starts processes and ends every one of them.

    Args:
        log_dir: for a log file of each process; made here.
        environment: of every process; with a RUN_ID in it, `leftover_processes` finds them.
        inherit: file descriptors that the processes keep open, such as the lock of their domain.
    """

    def __init__(self, log_dir: Path, environment: Mapping[str, str], inherit: Sequence[int] = ()) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self.log_dir = log_dir
        self._environment = dict(environment)
        self._inherit = tuple(inherit)
        self.running: list[Process] = []

    def start(self, name: str, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
        """Start `python -m module arguments`, with variables of its own on top of those of all."""
        log = self.log_dir / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [*_parent_death_signal(), sys.executable, "-m", module, *arguments],
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
        """Raise SetupError with the last log line of the first process that is no longer running."""
        for process in self.running:
            status = process.popen.poll()
            if status is not None:
                raise SetupError(f"{process.name} ended with status {status}: {process.last_log_line()}")

    def wait(self, limit_s: float) -> None:
        """Wait until every process has ended by itself; SetupError with its last log line where one failed."""
        deadline = time.monotonic() + limit_s
        for process in self.running:
            try:
                status = process.popen.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired as error:
                raise SetupError(f"{process.name} did not end within {limit_s:.0f} s; end other programs") from error
            if status:
                raise SetupError(f"{process.name} ended with status {status}: {process.last_log_line()}")

    def stop(self, limits_s: Mapping[signal.Signals, float] = SHUTDOWN_LIMITS_S) -> list[ProcessExit]:
        """End every process, the youngest first; each signal is followed by a wait of up to its limit."""
        early = {process.popen.pid for process in self.running if process.popen.poll() is not None}
        ended_by: dict[int, signal.Signals] = {}
        for request, limit_s in limits_s.items():
            waiting = [process for process in reversed(self.running) if process.members()]
            for process in waiting:
                ended_by[process.popen.pid] = request
                with suppress(ProcessLookupError):  # it ended in between
                    os.killpg(process.popen.pid, request)
            _wait_for(waiting, limit_s)
        return [
            ProcessExit(p.name, None if p.popen.pid in early else ended_by.get(p.popen.pid), p.popen.poll())
            for p in self.running
        ]


def new_run_id() -> dict[str, str]:
    """RUN_ID with a value that no other run has."""
    return {RUN_ID: uuid.uuid4().hex}


def leftover_processes(run_id: Mapping[str, str]) -> list[psutil.Process]:
    """Living processes of the run but this one, wherever in the process tree they are."""
    found = psutil.process_iter(["pid", "name", "status", "environ"])
    of_run = (one for one in found if (one.info["environ"] or {}).get(RUN_ID) == run_id[RUN_ID])
    return [one for one in of_run if one.pid != os.getpid() and one.info["status"] != psutil.STATUS_ZOMBIE]


def kill_leftover_processes(run_id: Mapping[str, str]) -> list[str]:
    """Kill the living processes of the run; returns their names and ids."""
    left = leftover_processes(run_id)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=SHUTDOWN_LIMITS_S[signal.SIGKILL])
    return [f"{process.info['name']} ({process.pid})" for process in left]


def _parent_death_signal() -> list[str]:
    """Command prefix by which the kernel ends the process when this one is killed."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _wait_for(processes: Sequence[Process], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    for process in processes:
        while time.monotonic() < deadline and (process.popen.poll() is None or process.members()):
            try:  # returns as soon as the leader ends; its children are checked again
                process.popen.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            time.sleep(0.02)


def _in_group(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
