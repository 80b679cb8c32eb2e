"""Gazebo 11 without a display, in the Debian 11 that `setup/gazebo_classic.sh` made."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import psutil

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autoglm_embodied" / "gazebo-classic"
ROOT = CACHE / "root"
START_S = 60.0
INSIDE = """
    mount -t tmpfs tmpfs "$ROOT/tmp"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mkdir -p "$ROOT$FOLDER"
    mount --bind "$FOLDER" "$ROOT$FOLDER"
    run() { chroot "$ROOT" env -i PATH=/usr/bin:/bin HOME=/tmp "$@"; }
    mkfifo "$ROOT/tmp/display"
    run sh -c 'exec Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp 3>/tmp/display' &
    read -r display <"$ROOT/tmp/display"
    run DISPLAY=":$display" LIBGL_ALWAYS_SOFTWARE=1 LP_NUM_THREADS=1 \\
        GAZEBO_MODEL_DATABASE_URI= IGN_IP=127.0.0.1 IGN_PARTITION="$PORT" \\
        GAZEBO_IP=127.0.0.1 GAZEBO_MASTER_URI="http://127.0.0.1:$PORT" \\
        GAZEBO_RESOURCE_PATH=/usr/share/gazebo-11 GAZEBO_PLUGIN_PATH=/usr/lib/x86_64-linux-gnu/gazebo-11/plugins \\
        OGRE_RESOURCE_PATH=/usr/lib/x86_64-linux-gnu/OGRE-1.9.0 \\
        gzserver --verbose $OPTIONS "$FOLDER/world.sdf"
"""


def why_not() -> str | None:
    """Why Gazebo cannot be started here; None if it can."""
    if (ROOT / "usr" / "bin" / "gzserver").is_file():
        return None if os.geteuid() == 0 else "only root can enter the Debian 11 in which Gazebo 11 is installed"
    reason = CACHE / "unavailable"
    return reason.read_text().strip() if reason.is_file() else "Gazebo 11 is not set up; make test-gazebo does it"


class GazeboServer:
    """A running server; ended, with all that it started, when the context is left.

    Args:
        folder: holds `world.sdf` and is seen by the server under the same path.
        log: for what it prints.
        options: of gzserver.
    """

    def __init__(self, folder: Path, log: Path, options: str = "") -> None:
        self.port = _free_port()
        self.log = log
        variables = {"ROOT": str(ROOT), "FOLDER": str(folder), "PORT": str(self.port), "OPTIONS": options}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-ec", INSIDE],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | variables,
            )

    @property
    def pid(self) -> int:
        """Of the process that holds its namespace; all that runs there is below it."""
        return self._process.pid

    def wait(self) -> None:
        """Until it listens; without a connection, since its master gives the number of a closed one away twice."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.check()
            if self.port in _listening_ports():
                return
            time.sleep(0.1)
        raise AssertionError(f"Gazebo does not listen after {START_S:.0f} s:\n{self.log.read_text()}")

    def check(self) -> None:
        """Raise if it has ended."""
        assert self._process.poll() is None, f"Gazebo ended:\n{self.log.read_text()}"

    def __enter__(self) -> GazeboServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGKILL)  # the kernel then ends all in its process namespace
        self._process.wait()


def _listening_ports() -> set[int]:
    return {found.laddr.port for found in psutil.net_connections("tcp4") if found.status == psutil.CONN_LISTEN}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
