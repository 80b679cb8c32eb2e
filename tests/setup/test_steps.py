from __future__ import annotations

import re
import sys
from pathlib import Path

import environment
import prepare
import pytest

from autoglm_embodied.tools import doctor

ROOT = Path(__file__).resolve().parents[2]
NAME = "packages"


@pytest.fixture(autouse=True)
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepare, "VENV", tmp_path)
    return tmp_path


def test_a_step_that_is_done_is_skipped_until_what_it_was_made_from_changes(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    for wanted in ("a", "a", "b"):
        prepare.step(NAME, {NAME: wanted}, lambda wanted=wanted: done.append(wanted))
    assert done == ["a", "b"]
    assert capsys.readouterr().out.count("set-up 3 of 6: packages ready after 0 s") == 2


def test_a_step_that_fails_is_not_taken_for_done(venv: Path) -> None:
    prepare.step(NAME, {NAME: "a"}, lambda: None)
    with pytest.raises(environment.SetUpError):
        prepare.step(NAME, {NAME: "b"}, lambda: environment.run("false"))
    assert not prepare.is_done(NAME, "a") and not prepare.is_done(NAME, "b")


def test_an_environment_of_another_python_is_renewed_with_all_that_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare.wanted_stamps(None)
    monkeypatch.setattr(sys, "version_info", (3, 9, 0))
    after = prepare.wanted_stamps(None)
    assert [name for name in prepare.STEPS[1:] if before[name] == after[name]] == []


def test_an_environment_for_ros_of_the_distribution_is_another_one() -> None:
    before, after = prepare.wanted_stamps(None), prepare.wanted_stamps(Path("/opt/ros/jazzy"))
    assert [name for name in prepare.STEPS[1:] if before[name] == after[name]] == []


def test_another_lock_renews_what_is_built_on_it_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare.wanted_stamps(None)
    (tmp_path / "new.lock").write_text("another==1.0")
    monkeypatch.setattr(prepare, "lock_file", lambda ros: tmp_path / "new.lock")
    after = prepare.wanted_stamps(None)
    changed = [name for name in prepare.STEPS[1:] if before[name] != after[name]]
    assert changed == ["packages", "interfaces", "own packages"]


def test_every_place_names_the_same_pythons() -> None:
    machine = (ROOT / "setup" / "machine.sh").read_text()
    oldest, newest = (int(re.findall(rf"{name}_MINOR=(\d+)", machine)[0]) for name in ("OLDEST", "NEWEST"))
    assert doctor.SUPPORTED_PYTHON == ((3, oldest), (3, newest))
    for package in (ROOT / "setup.py", ROOT / "sim" / "setup.py"):
        assert f'python_requires=">=3.{oldest},<3.{newest + 1}"' in package.read_text()
    locked = re.findall(r'^pythons="(.*)"', (ROOT / "setup" / "lock.sh").read_text(), re.MULTILINE)[0]
    assert [int(version.split(".")[1]) for version in locked.split()] == list(range(oldest, newest + 1))
