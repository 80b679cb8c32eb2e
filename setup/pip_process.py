"""Pip as set-up uses it: how far it is read off its lines, a broken download taken up again, a full disk named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TextIO

from environment import PYTHON, ROOT, VENV, SetUpError

TRIES = 3
KEPT_LINES = 30
SIZE = re.compile(r"(?:Downloading|Using cached) (\S+).* \(([\d.]+) (bytes|kB|MB|GB)\)")
MEGABYTES = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
EVERY_S = 10.0
"""Between two lines where nobody watches; a terminal shows each."""


class Fault(Enum):
    """Why pip failed, as far as what to do depends on it: how its own words show it."""

    DISK = r"No space left on device|Disk quota exceeded"
    NETWORK = (
        r"[Cc]onnection ?(?:[Ee]rror|broken|reset|aborted|refused|timed out)|[Rr]ead timed out|ReadTimeout"
        r"|IncompleteRead|incomplete-download|name resolution|unreachable|Max retries|RemoteDisconnected"
        r"|50[234] Server Error"
    )
    OTHER = r""


class PipError(Exception):
    """Pip ended badly.

    Args:
        said: its last lines.
    """

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.fault = next(fault for fault in Fault if re.search(fault.value, said))


def pip(*arguments: str | Path, read: Callable[[str], None] = lambda line: None) -> None:
    """Run pip of `.venv` to its good end; a download that breaks off is taken up again.

    Args:
        arguments: as on its command line.
        read: takes each line that it writes.

    Raises:
        PipError: it failed, for a reason that trying again does not mend.
        SetUpError: the disk is full, or the network is gone.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            return _run(*arguments, read=read)
        except PipError as error:
            if error.fault is Fault.DISK:
                raise SetUpError(f"the disk that holds {ROOT} is full; free some and run make again") from error
            if error.fault is Fault.OTHER:
                raise
            reason = str(error).splitlines()[-1]
        if tries_left:
            print(f"set-up: a download broke off; what came is kept, going on with the rest ({reason})", flush=True)
    raise SetUpError(f"downloads broke off {TRIES} times ({reason}); what came is kept: mend the network, make again")


def _run(*arguments: str | Path, read: Callable[[str], None]) -> None:
    scratch = VENV / "tmp"  # beside `.venv`, as /tmp may be small and in memory
    scratch.mkdir(exist_ok=True)
    command = [str(PYTHON), "-m", "pip", *map(str, arguments)]
    settings = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PROGRESS_BAR": "off", "PYTHONUNBUFFERED": "1"}
    environment = os.environ | settings | {"TMPDIR": str(scratch)}
    said: list[str] = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said = [*said, line.strip()][-KEPT_LINES:]
            read(line.strip())
    if process.returncode:
        raise PipError("\n".join(line for line in said if line))


class Progress:
    """Counts packages and megabytes, and says so now and then.

    Args:
        label: what every line begins with.
        total: how many packages are asked for.
        stream: where to say it; a terminal gets one line that is written over.
        clock: seconds that only grow.
    """

    def __init__(
        self, label: str, total: int, stream: TextIO = sys.stdout, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._label, self._total, self._stream, self._clock = label, total, stream, clock
        self._count, self._fetched_mb, self._said_at_s = 0, 0.0, clock()

    def read(self, line: str) -> None:
        """Take in one line of pip's."""
        if line.startswith("Ignoring "):  # locked for another Python
            self._total -= 1
        elif line.startswith(("Collecting ", "Processing ")):
            self._count += 1
            self._say(line.split()[1].split("/")[-1].split("==")[0].split("-")[0])
        elif size := SIZE.search(line):
            self._fetched_mb += float(size[2]) * MEGABYTES[size[3]]
            self._say(f"{size[1].split('-')[0]}, {size[2]} {size[3]}")
        elif line.startswith("Installing collected"):
            self._say("all fetched, unpacking", at_once=True)

    def close(self) -> None:
        """Leave the line of a terminal."""
        if self._stream.isatty():
            print(file=self._stream, flush=True)

    def _say(self, now: str, at_once: bool = False) -> None:
        text = f"{self._label}: {self._count} of {self._total}, {self._fetched_mb:.0f} MB; {now}"
        if self._stream.isatty():
            print(f"\r\x1b[K{text}", end="", file=self._stream, flush=True)
        elif at_once or self._clock() - self._said_at_s >= EVERY_S:
            print(text, file=self._stream, flush=True)
            self._said_at_s = self._clock()


def run_step(main: Callable[[], None]) -> None:
    """Run a part of set-up; what it cannot do is one sentence and exit code 2, and Ctrl-C ends it with 130."""
    try:
        main()
    except (SetUpError, PipError) as error:
        print(f"set-up: {error}.", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("set-up: broken off; the next make goes on where it stopped.", file=sys.stderr)
        sys.exit(130)
