"""Make `.venv` with everything the targets need: locked packages, data of wheels, built interfaces, own packages.

Standard library only, as it runs on a bare Python, the one that prepare.sh has chosen. Each step leaves in `.venv` a
hash of what it was made from, and is skipped while that stays the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import packages
from environment import ROOT, VENV, run
from pip_process import pip, run_step

INTERFACES = ROOT / "ros2_ws" / "src" / "autoglm_embodied_interfaces"
STEPS = ("system packages", "virtual environment", "packages", "data of wheels", "interfaces", "own packages")
"""All of set-up; the first is over when this file runs."""


def main() -> None:
    """Run the steps that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ros", type=lambda text: Path(text) if text else None, help="the ROS 2 installation to use")
    parser.add_argument("--is-fetched", action="store_true", help="only say, by the status, that nothing is to fetch")
    arguments = parser.parse_args()
    ros = arguments.ros
    wanted = wanted_stamps(ros)
    if arguments.is_fetched:
        sys.exit(0 if all(is_done(name, wanted[name]) for name in STEPS[1:4]) else 1)
    lock = lock_file(ros)
    step("virtual environment", wanted, lambda: make_venv(ros))
    step("packages", wanted, lambda: packages.install(lock))
    step("data of wheels", wanted, packages.install_data)
    step("interfaces", wanted, lambda: build_interfaces(VENV, ros))
    own = ("--no-deps", "--no-build-isolation", "-e", ROOT, "-e", ROOT / "sim")  # editable, with their commands
    step("own packages", wanted, lambda: pip("install", *own))


def lock_file(ros: Path | None) -> Path:
    """The lock that fits: ROS 2 of the distribution has its own messages, built against numpy 1."""
    return ROOT / "requirements" / ("distribution.lock" if ros else "pypi.lock")


def wanted_stamps(ros: Path | None) -> dict[str, str]:
    """What each step would leave; one that builds on another changes with it."""
    venv = digest(str(ROOT), str(sys.version_info[:2]), os.path.realpath(sys.executable), str(ros))
    fetched = digest(venv, lock_file(ros), packages.CPU_TORCH)
    sources = sorted(path for path in INTERFACES.rglob("*") if path.is_file())
    return {
        "virtual environment": venv,
        "packages": fetched,
        "data of wheels": digest(venv, packages.DATA_LOCK, str(packages.CARRIED)),
        "interfaces": digest(fetched, *sources),
        "own packages": digest(fetched, ROOT / "setup.py", ROOT / "sim" / "setup.py"),
    }


def is_done(name: str, wanted: str) -> bool:
    """Whether the step left that stamp."""
    stamp = stamp_file(name)
    return stamp.is_file() and stamp.read_text() == wanted


def stamp_file(name: str) -> Path:
    """Where a step leaves its stamp."""
    return VENV / "stamps" / name.replace(" ", "_")


def step(name: str, wanted: dict[str, str], action: Callable[[], object]) -> None:
    """Run `action`, which may return what it has to say of its end, unless its stamp is as wanted."""
    if is_done(name, wanted[name]):
        return
    label = f"set-up {STEPS.index(name) + 1} of {len(STEPS)}: {name}"
    print(f"{label} ...", flush=True)
    begun_s = time.monotonic()
    stamp_file(name).unlink(missing_ok=True)
    said = action()
    stamp_file(name).parent.mkdir(parents=True, exist_ok=True)
    stamp_file(name).write_text(wanted[name])
    print(f"{label} ready after {time.monotonic() - begun_s:.0f} s{f', {said}' if said else ''}", flush=True)


def make_venv(ros: Path | None) -> None:
    """An empty environment whose `activate` also finds ROS and the interfaces; what was there before is removed."""
    site = ["--system-site-packages"] if ros else []
    run(sys.executable, "-m", "venv", "--clear", *site, VENV)
    prefixes = 'export AMENT_PREFIX_PATH="$VIRTUAL_ENV" CMAKE_PREFIX_PATH="$VIRTUAL_ENV"'
    overlay = '[ ! -f "$VIRTUAL_ENV/local_setup.sh" ] || . "$VIRTUAL_ENV/local_setup.sh"'
    with (VENV / "bin" / "activate").open("a") as activate:
        activate.write(f". {ros}/setup.sh\n{overlay}\n" if ros else f"{prefixes}\n")


def build_interfaces(venv: Path, ros: Path | None) -> None:
    """The interfaces package, by the colcon of `.venv`, into an environment, where it imports like any other.

    Args:
        venv: the environment.
        ros: installation of ROS 2 to build on; None: the packages of the environment.
    """
    if not ros:
        point_exports_here(venv)
    python = "/usr/bin/python3" if ros else venv / "bin" / "python"  # that of ROS has all of its generators
    build = f'build --base-paths "{INTERFACES}" --build-base "{venv}/build" --merge-install --install-base "{venv}"'
    cmake = f'--cmake-args -DPython3_EXECUTABLE="{python}" -DBUILD_TESTING=OFF'
    colcon = f'"{VENV}/bin/colcon" --log-base /dev/null'
    run("sh", "-c", f'. "{venv}/bin/activate" && {colcon} {build} {cmake}')


def point_exports_here(venv: Path) -> None:
    """Make the wheels' CMake exports name this environment's headers in place of their build machine's."""
    ask = "import numpy, sysconfig; print(sysconfig.get_path('include')); print(numpy.get_include())"
    python, numpy = subprocess.check_output([venv / "bin" / "python", "-c", ask], text=True).split("\n")[:2]
    for export in venv.glob("share/*/cmake/*Export.cmake"):
        text = export.read_text()
        here = re.sub(r'/opt/python/[^;"]*/numpy/_core/include', numpy, text)
        here = re.sub(r'/opt/python/[^;"/]*/include/python[0-9.]+', python, here)
        if here != text:
            export.write_text(here)


def digest(*parts: str | Path) -> str:
    """A hash over strings and the contents of files."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update((part.read_bytes() if isinstance(part, Path) else part.encode()) + b"\0")
    return sha.hexdigest()


if __name__ == "__main__":
    run_step(main)
