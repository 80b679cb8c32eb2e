"""Shared memory that Fast DDS processes left behind: whoever is killed cannot remove its own.

A camera's is 44 MB, and a container has 64 MB for all; once it is full, the next node ends with "Failed to create
segment". Each segment has a file beside it that its owner holds locked while it lives, the sign by which Fast DDS's
own `fastdds shm clean` tells one that is left behind.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")
OWNER_LOCK = "_el"
STARTING_S = 1.0
"""A younger lock file may be one that its owner has made and is about to lock."""


def remove_left_behind(folder: Path = FOLDER) -> int:
    """Remove segments of this user's whose owner is gone; returns their size in bytes."""
    freed = 0
    for lock in folder.glob(f"fastdds_*{OWNER_LOCK}"):
        with suppress(OSError):  # another user's, or gone since
            if lock.stat().st_uid == os.getuid() and time.time() - lock.stat().st_mtime > STARTING_S:
                freed += _remove(lock)
    return freed


def _remove(lock: Path) -> int:
    with lock.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError, an OSError, where its owner lives
        segment = lock.with_name(lock.name.removesuffix(OWNER_LOCK))
        size = segment.stat().st_size if segment.exists() else 0
        segment.unlink(missing_ok=True)
        lock.unlink()
        return size
