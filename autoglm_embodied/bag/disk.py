"""A file that only grows, straight to the system: a killed process loses nothing that was written."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread

from autoglm_embodied.errors import BagError

SYNC_S = 1.0


class Disk:
    """Writes without a buffer of its own, and once a second asks the system to put all on the disk, from a thread:
    a slow disk then holds up nobody.
    """

    def __init__(self, path: Path) -> None:
        """Make the file and its folder.

        Raises:
            BagError: it is there already, or cannot be made.
        """
        self.written = 0
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if path.exists():
                raise BagError(f"{path} is there already; name another file, a recording replaces none") from error
            raise BagError(f"cannot record to {path} ({error.strerror}); name a file that can be written") from error
        self._trouble: OSError | None = None
        self._ended = Event()
        self._thread = Thread(target=self._sync, name="disk", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> int:
        """Append `data`.

        Raises:
            BagError: the disk is full, or fails.
        """
        rest = memoryview(data)
        try:
            if self._trouble is not None:
                raise self._trouble
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise BagError(
                f"recording stopped after {self.written / 1e6:.1f} MB: cannot write {self._path} ({error.strerror}); "
                "what was written until then can be replayed, free space before recording again"
            ) from error
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        """Where the next byte goes."""
        return self.written

    def close(self) -> None:
        """Put all on the disk and close; twice is no harm."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        os.close(self._file)

    def _sync(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(SYNC_S)
            try:
                os.fsync(self._file)
            except OSError as error:
                self._trouble = error
                return
