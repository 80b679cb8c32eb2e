"""A file that only grows, straight to the system: a killed process loses nothing that was written."""

from __future__ import annotations

import os
from pathlib import Path

from autoglm_embodied.errors import BagError


class Disk:
    """Writes without a buffer of its own; when it is closed all is on the disk.

    Before that the system writes when it sees fit: asked more often, a slow disk would hold up the recording.
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
        self._open = True

    def write(self, data: bytes) -> int:
        """Append `data`.

        Raises:
            BagError: the disk is full, or fails.
        """
        rest = memoryview(data)
        try:
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
        if not self._open:
            return
        self._open = False
        try:
            os.fsync(self._file)
        except OSError:
            pass  # what the system took it keeps trying to write; there is nothing left to be done about it here
        finally:
            os.close(self._file)
