"""The doctor: every check ends in a row, what is missing comes with what to do, and figures say the same."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from autoglm_embodied.errors import SetupError
from autoglm_embodied.tools.doctor import checkup, graph
from autoglm_embodied.tools.doctor.checkup import all_needed_is_well, examine, print_table, report
from autoglm_embodied.tools.doctor.finding import Finding, Need

WELL = Finding("Python", True, "3.11")
ABSENT = Finding("microphone", False, "none", "plug one in", Need.OPTION)
BROKEN = Finding("EGL", False, "no display", "apt install libegl1")


def test_only_what_the_demo_needs_decides() -> None:
    assert all_needed_is_well([WELL, ABSENT])
    assert not all_needed_is_well([WELL, ABSENT, BROKEN])


def test_table_and_figures_say_the_same() -> None:
    text, findings = io.StringIO(), [WELL, ABSENT, BROKEN]
    print_table(findings, Console(file=text, width=120))
    rows = {row.case: row.value for row in report(findings, 0).rows}
    assert rows == {"Python": 1, "microphone": 0, "EGL": 0}
    for finding in findings:
        line = next(line for line in text.getvalue().splitlines() if finding.item in line)
        assert finding.state in line and finding.advice in line


def test_a_check_that_cannot_work_is_a_row_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Finding:
        raise SetupError("pulseaudio is not installed; apt install pulseaudio")

    monkeypatch.setattr(checkup, "CHECKS", (("sound server", Need.DEMO, broken),))
    monkeypatch.setattr(graph, "ros", list)
    told: list[str] = []
    found = examine(told.append)
    assert found == [Finding("sound server", False, "pulseaudio is not installed", "apt install pulseaudio")]
    assert told[0] == "sound server"


def test_no_ros_is_a_row_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MODULE", "absent_package")
    (row,) = graph.ros()
    assert not row.ok and "absent_package" in row.state and "setup.bash" in row.advice


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_doctor_examines_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "doctor.json"
    command = [sys.executable, "-m", "autoglm_embodied.tools.cli", "doctor", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    ok = {row["case"]: row["value"] for row in json.loads(path.read_text())["rows"]}
    for item in ("Python", "ROS 2", "interfaces", "DDS transports", "EGL", "sound server", "policy weights"):
        assert ok[item] == 1, item
    assert {"camera/color/image_raw", "force_torque_sensor_broadcaster/wrench", "microphone", "GPU"} <= set(ok)
