"""Make `.venv` with everything the targets need: locked packages, built interfaces, this repository's packages.

Standard library only, as it runs on a bare Python. Each step leaves in `.venv` a hash of what it was made
from, and is skipped while that stays the same.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
INTERFACES = ROOT / "ros2_ws" / "src" / "autoglm_embodied_interfaces"
DISTRIBUTIONS = ("kilted", "jazzy", "iron", "humble")
PYTHONS = ("3.12", "3.11", "3.10")
TORCH = re.compile(r"(torch=|nvidia-|cuda-|triton)")
"""Locked packages that are torch as the index has it: built for CUDA."""


def main() -> None:
    """Run the steps that are not done yet."""
    ros = installed_ros()
    python = suitable_python(ros)
    lock = ROOT / "requirements" / ("distribution.lock" if ros else "pypi.lock")
    done = digest(str(ROOT), python, str(ros))
    done = step("virtual environment", done, lambda: make_venv(python, ros))
    done = step("packages (several minutes the first time)", digest(done, lock), lambda: install(lock))
    sources = sorted(path for path in INTERFACES.rglob("*") if path.is_file())
    step("interfaces", digest(done, *sources), lambda: build_interfaces(ros))
    step("own packages", digest(done, ROOT / "setup.py", ROOT / "sim" / "setup.py"), install_own)


def installed_ros() -> Path | None:
    """The ROS 2 installation to use: the one sourced, else the newest under /opt/ros, else none."""
    names = (os.environ["ROS_DISTRO"],) if os.environ.get("ROS_DISTRO") in DISTRIBUTIONS else DISTRIBUTIONS
    return next((Path("/opt/ros", name) for name in names if Path("/opt/ros", name, "setup.sh").is_file()), None)


def suitable_python(ros: Path | None) -> str:
    """The interpreter to build on, never that of an activated environment; with ROS, the one it was built for."""
    wished = ["/usr/bin/python3"] if ros else [os.environ.get("PYTHON", "python3"), *(f"python{v}" for v in PYTHONS)]
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable)"
    for name in filter(shutil.which, wished):
        version, base = subprocess.check_output([name, "-c", ask], text=True).strip().split(" ", 1)
        if version in PYTHONS:
            return os.path.realpath(base)
    known = f"{PYTHONS[-1]} to {PYTHONS[0]}"
    fail(f"no Python {known} among {', '.join(wished)}; install one and name it, as in: make PYTHON=python3.11")


def step(name: str, wanted: str, action: Callable[[], None]) -> str:
    """Run `action` unless its stamp says `wanted`; returns `wanted`, on which later steps may build."""
    stamp = VENV / "stamps" / name.split(" (")[0].replace(" ", "_")
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print(f"set-up: {name} ...", flush=True)
        begun = time.monotonic()
        try:
            action()
        except subprocess.CalledProcessError as error:
            fail(f"{name} failed; see above what `{Path(str(error.cmd[0])).name}` said, mend it and run make again")
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted)
        print(f"set-up: {name.split(' (')[0]} ready after {time.monotonic() - begun:.0f} s", flush=True)
    return wanted


def make_venv(python: str, ros: Path | None) -> None:
    """An empty environment whose `activate` also finds ROS and the interfaces."""
    run(python, "-m", "venv", "--clear", *(["--system-site-packages"] if ros else []), VENV)
    prefixes = 'export AMENT_PREFIX_PATH="$VIRTUAL_ENV" CMAKE_PREFIX_PATH="$VIRTUAL_ENV"'
    overlay = '[ ! -f "$VIRTUAL_ENV/local_setup.sh" ] || . "$VIRTUAL_ENV/local_setup.sh"'
    with (VENV / "bin" / "activate").open("a") as activate:
        activate.write(f". {ros}/setup.sh\n{overlay}\n" if ros else f"{prefixes}\n")


def install(lock: Path) -> None:
    """Every locked package, hashes checked; without an NVIDIA driver the CPU build of torch if pip can get it."""
    entries = re.split(r"\n(?=[a-z0-9])", lock.read_text())
    install_entries([entry for entry in entries if entry.startswith("setuptools=")])  # builds what comes as source
    install_entries([entry for entry in entries if not TORCH.match(entry)])
    if shutil.which("nvidia-smi") or not install_cpu_torch():
        install_entries([entry for entry in entries if TORCH.match(entry)])


def install_cpu_torch() -> bool:
    """Whether pip's own configuration (an index, find-links) offers the locked CPU build, installed then."""
    try:
        pip("--no-deps", "--require-hashes", "-r", ROOT / "requirements" / "torch-cpu.lock", capture_output=True)
    except subprocess.CalledProcessError:
        print("set-up: pip knows no CPU build of torch; taking the one for CUDA, about 3 GB", flush=True)
        return False
    return True


def install_entries(entries: list[str]) -> None:
    """Some entries of the lock; it is complete, so nothing they depend on is looked for."""
    chosen = VENV / "chosen.lock"
    chosen.write_text("\n".join(entries) + "\n")
    pip("--no-deps", "--no-build-isolation", "--require-hashes", "-r", chosen)


def install_own() -> None:
    """The two packages of this repository, editable, with their commands."""
    pip("--no-deps", "--no-build-isolation", "-e", ROOT, "-e", ROOT / "sim")


def build_interfaces(ros: Path | None) -> None:
    """The interfaces package, by colcon, into `.venv`, where it imports like any other."""
    if not ros:
        point_exports_here()
    python = "/usr/bin/python3" if ros else VENV / "bin" / "python"  # that of ROS has all of its generators
    build = f'colcon --log-base /dev/null build --base-paths "{INTERFACES}" --build-base "{VENV}/build" --merge-install'
    cmake = f'--install-base "{VENV}" --cmake-args -DPython3_EXECUTABLE="{python}" -DBUILD_TESTING=OFF'
    run("sh", "-c", f'. "{VENV}/bin/activate" && {build} {cmake}')


def point_exports_here() -> None:
    """Make the wheels' CMake exports name this environment's headers in place of their build machine's."""
    ask = "import numpy, sysconfig; print(sysconfig.get_path('include')); print(numpy.get_include())"
    python, numpy = subprocess.check_output([VENV / "bin" / "python", "-c", ask], text=True).split("\n")[:2]
    for export in VENV.glob("share/*/cmake/*Export.cmake"):
        text = export.read_text()
        here = re.sub(r'/opt/python/[^;"]*/numpy/_core/include', numpy, text)
        here = re.sub(r'/opt/python/[^;"/]*/include/python[0-9.]+', python, here)
        if here != text:
            export.write_text(here)


def pip(*arguments: str | Path, capture_output: bool = False) -> None:
    """`pip install` in `.venv`, talking only to a person."""
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    command = (VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", *quiet, *arguments)
    run(*command, capture_output=capture_output)


def run(*command: str | Path, capture_output: bool = False) -> None:
    """Run a command to its good end."""
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, capture_output=capture_output)


def digest(*parts: str | Path) -> str:
    """A hash over strings and the contents of files."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update((part.read_bytes() if isinstance(part, Path) else part.encode()) + b"\0")
    return sha.hexdigest()


def fail(message: str) -> NoReturn:
    """End with one sentence."""
    sys.exit(f"set-up: {message}.")


if __name__ == "__main__":
    main()
