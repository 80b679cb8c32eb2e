"""A private ROS graph: loopback only, a domain that no other graph uses, transports that carry camera frames whole."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SetupError

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


DOMAINS = range(70, 100)
"""Above the ones people number by hand, below the first whose ports Linux hands out to others (102)."""

PORT_BASE, PORTS_A_DOMAIN = 7400, 250
"""UDP ports of a DDS domain (RTPS specification 2.2, section 9.6.1.1)."""


OLDER_DISTRIBUTIONS = ("humble", "iron", "jazzy")
"""Know Fast DDS by its older name, Fast RTPS."""


@contextmanager
def private_domain(domains: range = DOMAINS) -> Iterator[tuple[int, int]]:
    """A ROS domain nobody uses, for as long as the context, or a process that inherits its lock, lives.

    Shared memory that killed processes left behind is removed first.

    Yields:
        The domain, and the descriptor of its lock to pass on to the processes of the graph: a graph whose
        starter was killed keeps its domain.
    """
    remove_left_behind()
    busy = busy_domains()
    for domain in domains:
        lock = -1 if domain in busy else _lock(domain)
        if lock >= 0:
            try:
                yield domain, lock
            finally:
                os.close(lock)
            return
    raise SetupError(
        f"all ROS domains from {domains.start} to {domains.stop - 1} are in use on this machine; "
        "end another demo or test and try again"
    )


def busy_domains() -> set[int]:
    """Domains whose UDP ports are taken on this machine, by whatever ROS or DDS program."""
    ports = (connection.laddr.port for connection in psutil.net_connections("udp4") if connection.laddr)
    return {(port - PORT_BASE) // PORTS_A_DOMAIN for port in ports if port >= PORT_BASE}


def _lock(domain: int) -> int:
    """Descriptor of the domain's lock file, held exclusively; -1 where another process, or another user, holds it."""
    path = Path(tempfile.gettempdir()) / f"autoglm-ros-domain-{domain}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def environment(domain: int, base: Mapping[str, str], sends_frames: bool = False) -> dict[str, str]:
    """`base` with what makes a process part of the graph `domain` on this machine and keeps it to one core.

    With `sends_frames` it gets shared memory for camera frames; if all did, a container's 64 MB would not do.
    """
    profile = str(shipped("fastdds.xml" if sends_frames else "fastdds_small.xml"))
    shared = {
        "ROS_DOMAIN_ID": str(domain),
        "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTDDS_DEFAULT_PROFILES_FILE": profile,
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    # Newer distributions warn at every start about the older names.
    older = {"FASTRTPS_DEFAULT_PROFILES_FILE": profile, "ROS_LOCALHOST_ONLY": "1"}
    return dict(base) | shared | (older if base.get("ROS_DISTRO") in OLDER_DISTRIBUTIONS else {})
