"""How far pip is, read off what it writes."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import TextIO

SIZE = re.compile(r"(?:Downloading|Using cached) (\S+).* \(([\d.]+) (bytes|kB|MB|GB)\)")
MEGABYTES = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
EVERY_S = 10.0
"""Between two lines where nobody watches; a terminal shows each."""


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
