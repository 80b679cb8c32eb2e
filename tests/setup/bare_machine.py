"""A machine as set-up's early checks see it: what the commands that they ask would answer, under our control."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cut", "dirname", "du", "env", "grep", "head", "mv", "rm", "sed", "timeout", "tr")
"""Real ones, of no machine in particular."""
LIMIT_S = 60.0
"""Far above the 2 s that a refusal may take; there so that a hanging one fails."""


@dataclass(frozen=True)
class Answer:
    """What set-up said and how it ended."""

    status: int
    said: str
    installed: bool


class BareMachine:
    """An x86-64 Debian with Python 3.12, root, disk and network, where all system packages are installed.

    Args:
        folder: an empty one; the repository's set-up is copied there.
    """

    def __init__(self, folder: Path) -> None:
        self.repository, self._commands = folder / "repository", folder / "bin"
        for part in ("setup", "requirements"):
            shutil.copytree(ROOT / part, self.repository / part, ignore=shutil.ignore_patterns("__pycache__"))
        self._commands.mkdir()
        for tool in TOOLS:
            (self._commands / tool).symlink_to(str(shutil.which(tool)))
        (folder / "include").mkdir()
        (folder / "include" / "Python.h").touch()
        self._include = folder / "include"
        self.answers("uname", 'case "$1" in -s) echo Linux;; -m) echo x86_64;; esac')
        self.answers("id", "echo 0")
        self.answers("df", "echo Filesystem; echo /dev/disk 1 1 99000000 1% /")
        self.answers("dpkg-query", "echo installed")
        self.answers("apt-cache", "exit 1")
        self._installed = folder / "installed"
        self.answers("apt-get", f'case "$*" in *install*) echo "$@" >>"{self._installed}";; esac')
        self.has_python("3.12")

    def answers(self, command: str, script: str) -> None:
        """Let a command do what a piece of shell says."""
        (self._commands / command).unlink(missing_ok=True)
        (self._commands / command).write_text(f"#!/bin/sh\n{script}\n")
        (self._commands / command).chmod(0o755)

    def has_python(self, version: str, fetched: bool = False, index: bool = True) -> None:
        """Give it a python3.

        Args:
            version: such as 3.12.
            fetched: it finds everything in `.venv` already.
            index: its pip can reach the package index.
        """
        self.answers(
            "python3",
            f'case "$*" in *version_info*) echo "{version} {self._commands}/python3";;'
            f' *get_path*) echo "{self._include}";;'
            f" *--is-fetched*) exit {int(not fetched)};; *pip*index*) exit {int(not index)};;"
            f' *prepare.py*) echo "preparing with {version}" ;; esac',
        )

    def lacks_system_packages(self) -> None:
        """No package of requirements/debian.txt is installed."""
        self.answers("dpkg-query", f'[ -e "{self._installed}" ] && echo installed')

    def lacks_python(self, offered: str) -> None:
        """It has none, and its distribution offers one."""
        self.lacks_system_packages()
        self.has_python(offered)
        python = self._commands / "python3"
        python.rename(self._commands / "python3.offered")
        self.answers("apt-cache", f"echo 'python3:'; echo '  Candidate: {offered}.5-1'")
        self.answers(
            "apt-get",
            f'case "$*" in *install*) echo "$@" >>"{self._installed}"; mv "{python}.offered" "{python}";; esac',
        )

    def prepare(self, **settings: str) -> Answer:
        """Run set-up, in which nobody types."""
        environment = {"PATH": str(self._commands), "PYTHON": "python3", "TMPDIR": str(self.repository)} | settings
        done = subprocess.run(
            ["sh", str(self.repository / "setup" / "prepare.sh")],
            env=environment | {"HOME": os.devnull},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        return Answer(done.returncode, (done.stdout + done.stderr).strip(), self._installed.exists())
