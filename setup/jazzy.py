"""Make `.venv-jazzy`, in which the nodes run on ROS 2 Jazzy: its packages, and the interfaces built on them.

All that is not ROS, such as torch, is that of `.venv`, by links: what of ROS is missing in Jazzy is not to be found in
`.venv`. Standard library only; run after prepare.py, and skipped while what it was made from stays the same.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import environment
from environment import PYTHON, ROOT, SetUpError, run, site_packages
from pip_process import PipError, pip, run_step
from prepare import build_interfaces, digest, stamp_file

JAZZY = ROOT / ".venv-jazzy"
LOCK = ROOT / "requirements" / "jazzy.lock"
OF_ROS = "ros-"
INTERFACES = "autoglm_embodied_interfaces"  # built on the ROS of `.venv`


def main() -> None:
    """Make the environment, unless it is there."""
    if "include-system-site-packages = true" in (environment.VENV / "pyvenv.cfg").read_text():
        raise SetUpError("`.venv` uses ROS 2 of the distribution, beside which no other is tested; run make test")
    stamp, wanted = JAZZY / "stamp", digest(stamp_file("interfaces"), LOCK, Path(__file__))
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("set-up of ROS 2 Jazzy ...", flush=True)
    begun_s = time.monotonic()
    make_venv()
    install_ros()
    build_interfaces(JAZZY, None)
    stamp.write_text(wanted)
    print(f"set-up of ROS 2 Jazzy ready after {time.monotonic() - begun_s:.0f} s", flush=True)


def make_venv() -> None:
    """An environment without ROS, which has all else that `.venv` has, and the own packages from their sources."""
    shutil.rmtree(JAZZY, ignore_errors=True)
    run(PYTHON, "-m", "venv", "--without-pip", JAZZY)
    shared = JAZZY / "shared"
    link_all_but_ros(site_packages(), shared)
    (site_packages(JAZZY) / "shared.pth").write_text(f"{shared}\n{ROOT}\n{ROOT / 'sim'}\n")
    prefixes = 'export AMENT_PREFIX_PATH="$VIRTUAL_ENV" CMAKE_PREFIX_PATH="$VIRTUAL_ENV" ROS_DISTRO=jazzy'
    overlay = '[ ! -f "$VIRTUAL_ENV/local_setup.sh" ] || . "$VIRTUAL_ENV/local_setup.sh"'
    with (JAZZY / "bin" / "activate").open("a") as activate:
        activate.write(f"{prefixes}\n{overlay}\n")


def link_all_but_ros(site: Path, folder: Path) -> None:
    """Links to what lies in a site-packages folder, but for ROS, what is built on it, and start-up files.

    Args:
        site: the folder.
        folder: to be made, for the links.
    """
    left_out = {"__pycache__"}
    for record in site.glob("ros_*.dist-info/RECORD"):
        left_out |= {line.split("/")[0] for line in record.read_text().splitlines()}
    folder.mkdir()
    for entry in site.iterdir():
        if entry.name not in left_out and not entry.name.startswith(INTERFACES) and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)


def install_ros() -> None:
    """What of the lock is ROS; all else has the version that `.venv` has."""
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.read_text())
    chosen = JAZZY / "chosen.lock"
    chosen.write_text("\n".join(entry for entry in entries if entry.startswith(OF_ROS)) + "\n")
    try:
        pip("--python", JAZZY / "bin" / "python", "install", "--no-deps", "--require-hashes", "-r", chosen)
    except PipError as error:
        raise SetUpError(f"pip could not install ROS 2 Jazzy; the last that it said:\n{error}\n") from error


if __name__ == "__main__":
    run_step(main)
