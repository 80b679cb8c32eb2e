"""Locked packages in `.venv`, each with its hash."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from environment import ROOT, VENV, SetUpError, check_free, site_packages, size_mb
from pip_process import PipError, pip
from progress import Progress

CPU_TORCH = ROOT / "requirements" / "torch-cpu.lock"
TORCH = re.compile(r"(torch=|nvidia-|cuda-|triton)")
"""Locked packages that are torch as the index has it: built for CUDA."""
CUDA_TORCH_MB = 8000
"""What they take on the disk, downloads under way included."""
BUILDERS = re.compile(r"(pip|setuptools)=")
"""What installs the others, and builds those that come as source."""


def install(lock: Path) -> str:
    """Every package of a lock; without an NVIDIA driver the CPU build of torch if pip can get it.

    Args:
        lock: requirements with hashes, complete: nothing that they depend on is looked for.

    Returns:
        What is to be said of it: how much there is now.
    """
    remove_broken(site_packages())
    entries = re.split(r"\n(?=[a-z0-9])", lock.read_text())
    builders, torch, others = sort_entries(entries)
    install_entries(builders)
    if shutil.which("nvidia-smi") or not install_cpu_torch():
        install_entries(torch)
    install_entries(others)
    return f"{size_mb(VENV)} MB"


def sort_entries(entries: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """What installs and builds, what is torch for CUDA, and all others: in this order they are installed."""
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    for entry in entries:
        groups[0 if BUILDERS.match(entry) else 1 if TORCH.match(entry) else 2].append(entry)
    return groups


def remove_broken(site: Path) -> None:
    """Take back what a killed or full set-up left half unpacked: it has no RECORD, which pip writes last."""
    for description in site.glob("*.dist-info"):
        if not (description / "RECORD").is_file():
            shutil.rmtree(description)


def install_cpu_torch() -> bool:
    """Whether pip's own configuration (an index, find-links) offers the locked CPU build, installed then."""
    try:
        pip("install", "--no-deps", "--require-hashes", "-r", CPU_TORCH)
    except PipError:
        pass  # no such build there
    if (site_packages() / "torch" / "__init__.py").is_file():
        return True
    print("set-up: pip knows no CPU build of torch for this Python; taking the one for CUDA, 3 GB to fetch", flush=True)
    check_free(CUDA_TORCH_MB, "torch built for CUDA")
    return False


def install_entries(entries: Sequence[str]) -> None:
    """Some entries of a lock."""
    chosen = VENV / "chosen.lock"
    chosen.write_text("\n".join(entries) + "\n")
    progress = Progress("set-up 3 of 6: packages", len(entries))
    try:
        pip("install", "--no-deps", "--no-build-isolation", "--require-hashes", "-r", chosen, read=progress.read)
    except PipError as error:
        raise SetUpError(f"pip could not install the locked packages; the last that it said:\n{error}\n") from error
    finally:
        progress.close()
