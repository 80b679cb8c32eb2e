"""A private ROS graph: loopback only, an unused domain, DDS transports whose segments hold whole camera frames."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SetupError

SHARED_MEMORY = Path("/dev/shm")
OWNER_LOCK = "_el"
SEGMENTS = ("fastdds_", "fastrtps_")  # how their names begin: of Fast DDS 3, and of 2, as Jazzy and Humble have it
MIN_AGE_S = 1.0  # the owner of a younger lock file may be about to lock it
DOMAINS = range(70, 100)  # above the numbers people choose, below the first in the range of ephemeral ports (102)
PORT_BASE, PORTS_PER_DOMAIN = 7400, 250  # UDP ports of a DDS domain (RTPS specification 2.2, section 9.6.1.1)
OLDER_NAMES = {  # that distributions know, and newer ones warn about at every start
    "FASTRTPS_DEFAULT_PROFILES_FILE": ("humble", "iron", "jazzy"),
    "ROS_LOCALHOST_ONLY": ("humble",),
}


def remove_orphaned_segments(folder: Path = SHARED_MEMORY, clock: Callable[[], float] = time.time) -> int:
    """Remove this user's Fast DDS shared-memory segments whose process is gone.

    Args:
        folder: where they lie.
        clock: wall clock [s], as of the files' times.

    Returns:
        Their size in bytes.
    """
    freed = 0
    for lock in (path for name in SEGMENTS for path in folder.glob(f"{name}*{OWNER_LOCK}")):
        with suppress(OSError):  # another user's, or removed meanwhile
            if lock.stat().st_uid == os.getuid() and clock() - lock.stat().st_mtime > MIN_AGE_S:
                freed += _remove(lock)
    return freed


def _remove(lock: Path) -> int:
    with lock.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError, an OSError, while its owner lives
        segment = lock.with_name(lock.name.removesuffix(OWNER_LOCK))
        size = segment.stat().st_size if segment.exists() else 0
        segment.unlink(missing_ok=True)
        lock.unlink()
        return size


@contextmanager
def private_domain(domains: range = DOMAINS) -> Iterator[tuple[int, int]]:
    """Reserve an unused ROS domain until the context and every process that inherits its lock have ended.

    Orphaned shared memory of killed processes is removed first.

    Yields:
        The domain, and the file descriptor of its lock for the processes of the graph to inherit: a graph whose parent
        was killed keeps its domain.

    Raises:
        SetupError: all domains are in use.
    """
    remove_orphaned_segments()
    busy = busy_domains()
    for domain in domains:
        lock = -1 if domain in busy else _lock(domain)
        if lock >= 0:
            shutil.rmtree(_state_folder(domain), ignore_errors=True)  # a stop of an earlier graph is not one of this
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
    """Domains with a UDP port in use on this machine."""
    ports = (connection.laddr.port for connection in psutil.net_connections("udp4") if connection.laddr)
    return {(port - PORT_BASE) // PORTS_PER_DOMAIN for port in ports if port >= PORT_BASE}


def _lock(domain: int) -> int:
    """File descriptor of the domain's lock file, held exclusively; -1 where another process or user holds it."""
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


def _state_folder(domain: int) -> Path:
    return Path(tempfile.gettempdir()) / f"autoglm-ros-domain-{domain}-state"


def environment(
    domain: int, base: Mapping[str, str], sends_frames: bool = False, shared_memory: bool = True
) -> dict[str, str]:
    """Environment variables of a process of the graph: its domain and state, loopback only, one thread.

    The DDS profile keeps it on loopback: a discovery range of LOCALHOST would add shared memory to any profile.

    Args:
        domain: ROS domain.
        base: variables to start from.
        sends_frames: allocate a shared-memory segment for camera frames; a container's 64 MB hold only a few of them.
        shared_memory: whether to receive over it; a process that was killed and started again may then miss senders.
    """
    profile = str(shipped(f"fastdds{('' if sends_frames else '_small') if shared_memory else '_udp_loopback'}.xml"))
    shared = {
        "ROS_DOMAIN_ID": str(domain),
        "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT",
        "FASTDDS_DEFAULT_PROFILES_FILE": profile,
        "XDG_STATE_HOME": str(_state_folder(domain)),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    older = {"FASTRTPS_DEFAULT_PROFILES_FILE": profile, "ROS_LOCALHOST_ONLY": "0"}
    known = {
        name: value for name, value in older.items() if name in base or base.get("ROS_DISTRO") in OLDER_NAMES[name]
    }
    return dict(base) | shared | known
