"""The doctor: every check ends in a row, what is missing comes with what to do, and figures say the same."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from autoglm_embodied.errors import SetupError
from autoglm_embodied.tools import doctor
from autoglm_embodied.tools.doctor import CheckResult, Need, all_needed_ok, print_table, report, run_checks
from autoglm_embodied.voice.weights import SPEECH_MODELS, TINY_EN

WORKING = CheckResult("Python", True, "3.11")
ABSENT = CheckResult("microphone", False, "none", "plug one in", Need.OPTION)
BROKEN = CheckResult("EGL", False, "no display", "apt install libegl1")


def test_only_what_the_demo_needs_decides() -> None:
    assert all_needed_ok([WORKING, ABSENT])
    assert not all_needed_ok([WORKING, ABSENT, BROKEN])


def test_table_and_figures_say_the_same() -> None:
    text, results = io.StringIO(), [WORKING, ABSENT, BROKEN]
    print_table(results, Console(file=text, width=120))
    rows = {row.case: row.value for row in report(results, 0).rows}
    assert rows == {"Python": 1, "microphone": 0, "EGL": 0}
    for result in results:
        line = next(line for line in text.getvalue().splitlines() if result.item in line)
        assert result.state in line and result.advice in line


def test_a_check_that_cannot_work_is_a_row_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> CheckResult:
        raise SetupError("pulseaudio is not installed; apt install pulseaudio")

    monkeypatch.setattr(doctor, "CHECKS", (("sound server", Need.DEMO, broken),))
    monkeypatch.setattr(doctor, "ros", list)
    items: list[str] = []
    found = run_checks(items.append)
    assert found == [CheckResult("sound server", False, "pulseaudio is not installed", "apt install pulseaudio")]
    assert items[0] == "sound server"


def test_a_missing_speech_encoder_is_a_row_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.stop_weights().ok
    packages = replace(SPEECH_MODELS[TINY_EN], packages=("no-such-weights==1.0.0",))
    monkeypatch.setitem(SPEECH_MODELS, TINY_EN, packages)
    monkeypatch.setattr(doctor, "CHECKS", (("stop channel weights", Need.OPTION, doctor.stop_weights),))
    monkeypatch.setattr(doctor, "ros", list)
    (found,) = run_checks(lambda _: None)
    assert not found.ok and found.state.startswith("the weights of tiny.en are missing, so that the stop channel")
    assert found.advice == "run `make` again" and all_needed_ok([found])


@pytest.mark.parametrize("setting", ["ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST", "ROS_LOCALHOST_ONLY=1"])
def test_a_discovery_range_that_adds_shared_memory_is_a_row_with_advice(setting: str) -> None:
    name, value = setting.split("=")
    found = doctor.discovery_range({name: value, "ROS_DISTRO": "kilted"})
    assert not found.ok and found.state == setting and found.advice.startswith(f"unset {name}: ")
    assert doctor.discovery_range({name: "SUBNET" if name != "ROS_LOCALHOST_ONLY" else "0"}).ok


def test_no_ros_is_a_row_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PROBES", "absent_package")
    (row,) = doctor.ros()
    assert not row.ok and "absent_package" in row.state and "setup.bash" in row.advice


@pytest.mark.slow
def test_the_doctor_checks_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "doctor.json"
    command = [sys.executable, "-m", "autoglm_embodied.tools.cli", "doctor", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    ok = {row["case"]: row["value"] for row in json.loads(path.read_text())["rows"]}
    for item in ("Python", "ROS 2", "interfaces", "DDS transports", "EGL", "sound server", "policy weights"):
        assert ok[item] == 1, item
    assert {"camera/color/image_raw", "force_torque_sensor_broadcaster/wrench", "microphone", "GPU"} <= set(ok)
