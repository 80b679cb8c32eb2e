"""A stop outlives its process; whatever else is found on disk, or cannot be written there, is a stop, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.safety.stop_latch import MOST_WHY, StopLatch, latch_file

NOON_S = 1_764_158_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return latch_file(7, "/cell/r1", {"XDG_STATE_HOME": str(tmp_path)})


def test_each_robot_has_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    assert latch_file(7, "/cell/r1", state) == tmp_path / "autoglm_embodied/domain_7/cell/r1/stop.json"
    assert latch_file(0, "/", state) == tmp_path / "autoglm_embodied/domain_0/stop.json"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert latch_file(0, "/", {}) == tmp_path / ".local/state/autoglm_embodied/domain_0/stop.json"
    with pytest.raises(ConfigError, match="XDG_STATE_HOME must be an absolute path, got 'state'"):
        latch_file(0, "/", {"XDG_STATE_HOME": "state"})


def test_a_stop_holds_from_one_process_to_the_next_until_it_is_released(path: Path) -> None:
    assert not StopLatch(path, NOON_S).state.stopped
    StopLatch(path, NOON_S).stop("heard 'stop'", NOON_S + 1)
    again = StopLatch(path, NOON_S + 60)
    assert str(again.state) == "stopped since 2025-11-26T12:00:01+00:00: heard 'stop'"
    again.stop("by service", NOON_S + 70)
    assert again.state.why == "heard 'stop'", "the first reason stays"
    again.release("by service", NOON_S + 80)
    assert not StopLatch(path, NOON_S + 90).state.stopped


def test_a_process_killed_after_a_stop_left_it_on_disk(path: Path) -> None:
    code = f"""
import os, pathlib, signal
from autoglm_embodied.safety.stop_latch import StopLatch
StopLatch(pathlib.Path({str(path)!r}), 0.0).stop("pressed", 0.0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert StopLatch(path, NOON_S).state.why == "pressed"


contents = st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode))


@settings(max_examples=30, deadline=None)
@given(contents)
@example(b"")
@example(b"[" * 9_000)
@example(b'{"stopped": false, "why": "", "since": "", "more": 1}')
@example(b'{"stopped": false, "why": ""}')
@example(b'{"stopped": 0, "why": "", "since": ""}')
@example(b'{"stopped": false, "why": 3, "since": ""}')
@example(b'{"stopped": false, "why": "", "since": ""')
@example(b"NaN")
def test_a_damaged_file_is_a_stop_until_it_is_released(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_bytes(content)
    latch = StopLatch(path, NOON_S)
    assert latch.state.stopped and latch.state.why == (
        f"{path} does not say whether the robot was stopped; look at the robot, then resume"
    )
    latch.release("by service", NOON_S)
    assert not StopLatch(path, NOON_S).state.stopped


def test_a_file_that_cannot_be_read_is_a_stop(path: Path) -> None:
    path.mkdir(parents=True)
    latch = StopLatch(path, NOON_S)
    assert latch.state.stopped and "cannot be read (Is a directory)" in latch.state.why


def test_where_no_stop_could_be_kept_the_robot_is_stopped_and_stays_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    latch = StopLatch(tmp_path / "state" / "stop.json", NOON_S)
    assert latch.state.stopped
    with pytest.raises(SetupError, match="the robot stays stopped: .* cannot be"):
        latch.release("by service", NOON_S)
    assert latch.state.stopped


def test_a_stop_on_a_full_disk_holds_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert "cannot be written (No space left" in StopLatch(path, NOON_S).state.why
        assert StopLatch(path, NOON_S).state.stopped and not path.exists()
    latch = StopLatch(path, NOON_S)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SetupError, match="may not outlive this process: .*No space left"):
            latch.stop("by service", NOON_S)
        assert latch.state.stopped and StopLatch(path, NOON_S).state.stopped
    latch.stop("by service", NOON_S)  # there is space again
    assert StopLatch(path, NOON_S).state.why == "by service"


def test_the_longest_reason_fits_its_file(path: Path) -> None:
    StopLatch(path, NOON_S).stop("\N{SNOWMAN}" * 10_000, NOON_S)
    assert StopLatch(path, NOON_S).state.why == "\N{SNOWMAN}" * MOST_WHY
