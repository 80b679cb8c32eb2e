"""The environment `.venv` that set-up makes, and what may go wrong on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


class SetUpError(Exception):
    """One sentence: what went wrong, and what to do."""


def run(*command: str | Path) -> None:
    """Run a command to its good end; SetUpError if it fails, which it has said why itself."""
    try:
        subprocess.run([str(part) for part in command], check=True, cwd=ROOT)
    except subprocess.CalledProcessError as error:
        raise SetUpError(f"see above what `{Path(str(command[0])).name}` said, mend it and run make again") from error


def site_packages(venv: Path = VENV) -> Path:
    """Where packages lie in an environment."""
    return next(venv.glob("lib/python3.*/site-packages"))


def size_mb(folder: Path) -> int:
    """What a folder takes on the disk."""
    blocks = (os.lstat(os.path.join(place, name)).st_blocks for place, _, names in os.walk(folder) for name in names)
    return sum(blocks) * 512 // 1_000_000


def check_free(needed_mb: int, purpose: str) -> None:
    """SetUpError unless so much is free beside `.venv`."""
    free_mb = shutil.disk_usage(ROOT).free // 1_000_000
    if free_mb < needed_mb:
        raise SetUpError(f"{purpose} needs about {needed_mb} MB, and {free_mb} MB are free in {ROOT}; free some")
