"""Long commands that are asked to end: real processes, real signals; all are gone, and none finishes its work."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen, run
from typing import Any

import psutil
import pytest
from safetensors import safe_open

from autoglm_embodied.tools.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

END_LIMIT_S = 60.0  # 0.1 s on an idle machine, 8 s were seen on a loaded one; the work left would take minutes
WORK_LIMIT_S = 500.0
AUTOGLM = [sys.executable, "-m", "autoglm_embodied.tools.cli"]
PARTS = "*.parts/*.safetensors"
IMAGES = ("collect", "--suite", "pile", "--split", "validate", "--images")  # four of a scene, which are one part
GOES_ON = "stopped; what is done is kept, and the same command goes on from there"


class Command:
    """A running `autoglm` that leads a process group of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        with self.stdout.open("wb") as output, self.stderr.open("wb") as complaints:
            self.process = Popen(
                [*AUTOGLM, *arguments], stdout=output, stderr=complaints, env=os.environ, start_new_session=True
            )

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Look until something is so, while the command runs."""
        deadline_s = time.monotonic() + WORK_LIMIT_S
        while not condition():
            assert self.process.poll() is None and time.monotonic() < deadline_s, self.stderr.read_text()
            time.sleep(0.01)

    def catches_signals(self) -> bool:
        """Whether Python code answers SIGTERM by now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        return bool(caught >> (signal.SIGTERM - 1) & 1)

    def end(self, *requests: signal.Signals, group: bool = False) -> int:
        """Ask it to end, which all its processes must do in time; returns how many there were."""
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        asked_s = time.monotonic()
        for request in requests:
            (os.killpg if group else os.kill)(self.process.pid, request)
        self.process.wait(timeout=2 * END_LIMIT_S)
        left = psutil.wait_procs(processes, timeout=2 * END_LIMIT_S)[1]
        ended_s = time.monotonic() - asked_s
        print(f"{len(processes)} processes ended within {ended_s:.2f} s")
        assert not left and ended_s < END_LIMIT_S
        assert self.process.returncode == 130, self.stderr.read_text()
        return len(processes)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    commands: list[Command] = []

    def start(*arguments: str) -> Command:
        commands.append(Command(tmp_path, *arguments))
        return commands[-1]

    yield start
    for command in commands:
        command.process.kill()
        command.process.wait()


def finish(*arguments: str) -> None:
    """Run a command to its end, in this process but for its workers."""
    assert main(arguments) == 0


def contents(folder: Path, pattern: str) -> dict[str, tuple[int, bytes]]:
    """Time of writing and bytes of every file that there is."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob(pattern)}


def test_collecting_ends_at_once_whatever_requests_follow_keeps_whole_scenes_and_goes_on(
    start: Callable[..., Command], tmp_path: Path
) -> None:
    out = tmp_path / "data"
    options = [*IMAGES, "40000", "--workers", "2"]
    kept: dict[str, tuple[int, bytes]] = {}
    for requests in ([signal.SIGTERM], [signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGINT]):
        command = start(*options, "--out", str(out))
        command.wait_until(lambda: len(contents(out, PARTS)) > len(kept))  # noqa: B023
        assert command.end(*requests) == 3  # with its two workers
        assert command.stderr.read_text() == f"autoglm collect: {GOES_ON}\n"
        found = contents(out, PARTS)
        assert kept.items() <= found.items()
        kept = found
    for path in out.glob(PARTS):
        with safe_open(path, "np") as unit:
            assert 1 <= len(unit.get_tensor("rgb")) == len(unit.get_tensor("owner")) <= 4


def test_what_is_collected_in_several_goes_is_the_same_bytes(start: Callable[..., Command], tmp_path: Path) -> None:
    options = (*IMAGES, "20")
    finish(*options, "--out", str(tmp_path / "whole"))
    out = tmp_path / "stopped"
    command = start(*options, "--out", str(out))
    command.wait_until(lambda: contents(out, PARTS))
    command.end(signal.SIGINT, group=True)  # as a terminal's Ctrl-C does
    assert command.stderr.read_text() == f"autoglm collect: {GOES_ON}\n"
    kept = contents(out, PARTS)
    command = start(*options, "--out", str(out))
    command.wait_until(lambda: len(contents(out, PARTS)) > len(kept))
    command.process.kill()
    command.process.wait()
    assert kept.items() <= contents(out, PARTS).items() and not contents(out, "*.safetensors")
    finish(*options, "--out", str(out))
    whole, resumed = (contents(folder, "*.safetensors") for folder in (tmp_path / "whole", out))
    assert len(whole) == 1 and {name: file[1] for name, file in whole.items()} == {
        name: file[1] for name, file in resumed.items()
    }


def test_evaluating_in_several_goes_by_any_number_of_workers_gives_the_same_figures(
    start: Callable[..., Command], tmp_path: Path
) -> None:
    options = ["evaluate", "--suite", "large", "--policy", "pca", "--policy", "antipodal_force", "--episodes", "3"]
    options += ["--split", "validate"]

    def figures(log: Path) -> dict[str, Any]:
        finish(*options, "--log", str(log), "--json", str(tmp_path / "json"))
        report: dict[str, Any] = json.loads((tmp_path / "json").read_text())
        return {name: report[name] for name in ("rows", "skipped", "episodes", "scenes")}

    def episodes() -> list[bytes]:
        return [
            line for file in log.glob("*.jsonl") for line in file.read_bytes().splitlines(True) if line[-1:] == b"\n"
        ]

    log = tmp_path / "stopped"
    command = start(*options, "--workers", "2", "--log", str(log))
    command.wait_until(episodes)
    assert command.end(signal.SIGTERM) == 3
    assert command.stderr.read_text() == f"autoglm evaluate: {GOES_ON}\n"
    kept = episodes()
    command = start(*options, "--log", str(log))
    command.wait_until(lambda: len(episodes()) > len(kept))
    command.process.kill()
    command.process.wait()
    (file,) = log.glob("*.jsonl")
    with file.open("ab") as unfinished:
        unfinished.write(b'{"suite": "separ')  # killed while it wrote
    assert episodes()[: len(kept)] == kept and len(kept) < len(episodes()) < 6
    assert figures(log) == figures(tmp_path / "whole")
    assert episodes()[: len(kept)] == kept and len(episodes()) == 6


def test_training_ends_at_once_keeps_whole_epochs_and_goes_on(start: Callable[..., Command], tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "train"
    demonstrations = ("--suite", "large", "--split", "validate", "--episodes", "1", "--image-hz", "2")
    finish("collect", *demonstrations, "--out", str(data))
    options = ["train", "--data", str(data), "--out", str(out), "--grounding-epochs", "0"]

    def epoch() -> int:
        for path in out.glob("*.state.safetensors"):
            with safe_open(path, "np") as state:
                return int(state.metadata()["epoch"])
        return 0

    command = start(*options, "--imitation-epochs", "1000")
    command.wait_until(epoch)
    command.end(signal.SIGTERM)
    assert command.stderr.read_text() == f"autoglm train: {GOES_ON}\n"
    done = epoch()
    resumed = [*AUTOGLM, *options, "--imitation-epochs", str(done + 1)]
    said = run(resumed, check=True, capture_output=True, text=True, timeout=WORK_LIMIT_S).stdout
    assert f"{done + 1}/{done + 1}" in said and f"{done}/{done + 1}" not in said


@pytest.mark.parametrize("subcommand", ["collect", "evaluate", "train", "doctor", "bench"])
def test_a_command_that_only_begins_ends_at_once(
    subcommand: str, start: Callable[..., Command], tmp_path: Path
) -> None:
    options = {
        "collect": ["--suite", "pile", "--out", str(tmp_path / "data")],
        "evaluate": ["--suite", "pile", "--log", str(tmp_path / "log")],
        "train": ["--data", str(tmp_path)],
        "doctor": [],
        "bench": ["sim"],
    }
    command = start(subcommand, *options[subcommand])
    command.wait_until(command.catches_signals)
    command.end(signal.SIGTERM)
    assert command.stderr.read_text().startswith(f"autoglm {subcommand}: stopped")
