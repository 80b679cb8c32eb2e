"""The demo as a whole: processes, sound, DDS, policy, simulator. One good run serves most of the tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import psutil
import pytest
from PIL import Image

from autoglm_embodied.tools.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TRIES = 2
STALLED = 3000  # wrenches: 0.4 s of them are kept for a node that is not scheduled, which may be for more
LEAST_PACE = 0.97  # of real time: where the simulator stalls, the arm goes on with a command of the past


@dataclass(frozen=True)
class Ran:
    """One run of `autoglm demo`."""

    status: int
    output: str
    stream_problem: str
    out: Path
    result: dict[str, Any]

    @property
    def pace(self) -> float:
        """At what share of real time the slower of simulator and fusion node ran."""
        return min(self.value("demo.rate_hz", "wrench") / 1000, self.value("demo.rate_hz", "tick") / 30)

    def value(self, figure: str, case: str | None = None, stat: str | None = None) -> float:
        rows = [row for row in self.result["rows"] if row["figure"] == figure]
        return float(next(row["value"] for row in rows if case in (None, row["case"]) and stat in (None, row["stat"])))


def demo(out: Path, said: str, *arguments: str) -> Ran:
    """A run that comes to say so; tried again if it does not, for speech has gaps where the machine stands still."""
    for attempt in range(TRIES):
        ran = run(out / str(attempt), *arguments)
        skip_if_slow(ran.status, ran.stream_problem)
        if said in ran.output:
            break
    if "sensor missing" in ran.output and ran.pace < LEAST_PACE:
        pytest.skip(f"a sensor went missing on a machine that ran at {ran.pace:.2f} of real time")
    return ran


def skip_if_slow(status: int, stream_problem: str) -> None:
    """On a machine that does not keep the simulator in real time the demo itself refuses to begin."""
    if status == 2 and "of real time" in stream_problem:
        pytest.skip(stream_problem.strip())


def run(out: Path, *arguments: str) -> Ran:
    command = [sys.executable, "-m", "autoglm_embodied.tools.cli", "demo", "--out", str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    path = out / "result.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr, out, result)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A demo that is judged for its grasp only where the machine kept the simulator in real time."""
    ran = demo(tmp_path_factory.mktemp("good"), "Held. The film", "--seed", "0")
    if ran.status == 1 and ran.pace < LEAST_PACE:
        pytest.skip(f"nothing was held, but this machine ran at {ran.pace:.2f} of real time")
    return ran


def test_the_named_object_is_held(good: Ran) -> None:
    assert good.status == 0, good.output + good.stream_problem
    assert good.value("demo.held") == 1
    assert good.result["outcome"] == "held" and len(good.result["held"]) == 1
    assert good.result["held"][0] in good.result["scene"]


def test_the_sentence_went_through_the_air(good: Ran) -> None:
    assert good.result["said"] and good.result["heard"]
    assert good.result["nodes"]["voice_node"]["commands"] == "1"
    moments = [moment["moment"] for moment in good.result["timeline"]]
    assert moments == ["ready", "scene", "said", "heard", "understood", "seen", "contact", "held", "judged"]
    seconds = [moment["seconds"] for moment in good.result["timeline"]]
    assert seconds == sorted(seconds)


def test_every_sensor_came_and_hardly_a_wrench_was_lost(good: Ran) -> None:
    for case, rate_hz in (("rgb", 30), ("depth", 30), ("wrench", 1000), ("joints", 1000)):
        assert 0 < good.value("demo.rate_hz", case) < 1.1 * rate_hz  # how much less depends on the machine
    never_sent = float(good.result["nodes"]["sim_node"]["jumped_ms"])  # one a millisecond; of a machine that stalled
    assert good.value("demo.lost", "wrench") <= never_sent + STALLED


def test_every_process_ended_when_asked(good: Ran) -> None:
    ends = {process["name"]: (process["ended_by"], process["status"]) for process in good.result["processes"]}
    assert ends == dict.fromkeys(("sim_node", "governor_node", "fusion_node", "voice_node"), ("SIGINT", 0))
    assert good.result["survivors"] == [] and good.value("demo.survivors") == 0


def test_there_is_something_to_see(good: Ran) -> None:
    assert good.result["files"] == ["recording.rrd", "demo.mp4", "image.png", "wrench.png", "result.json"]
    with av.open(str(good.out / "demo.mp4")) as film:
        assert film.duration is not None and film.duration / av.time_base > 5
    for name in ("image.png", "wrench.png"):
        with Image.open(good.out / name) as image:
            image.verify()
    assert (good.out / "recording.rrd").stat().st_size > 100_000


def test_a_name_that_fits_several_objects_is_refused_and_nothing_moves(tmp_path: Path) -> None:
    said = "More than one"
    scene = ("--suite", "primitives", "--seed", "1", "--objects", "4")
    refused = demo(tmp_path, said, *scene, "--say", "pick up the cube")
    assert refused.status == 1
    assert refused.result["outcome"] == "ambiguous" and refused.result["held"] is None
    assert said in refused.output.strip().splitlines()[-1]
    assert refused.value("demo.joint_motion_rad") < 0.002
    assert refused.result["survivors"] == []


def test_a_sentence_that_is_asked_back_ends_the_run_at_once_and_nothing_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autoglm_embodied.tools.demo.run.HEARD_LIMIT_S", 1000.0)
    status = main(["demo", "--out", str(tmp_path), "--say", "pick up the purple elephant"])
    output, stream_problem = capfd.readouterr()
    skip_if_slow(status, stream_problem)
    result = json.loads((tmp_path / "result.json").read_text())
    assert status == 1 and result["outcome"] is None and result["held"] is None
    assert output.strip().splitlines()[-1].startswith("Nothing was heard that asks for a grasp (recognised: ")
    refused = Ran(status, output, stream_problem, tmp_path, result)
    assert refused.value("demo.joint_motion_rad") < 0.002 and result["survivors"] == []


def test_a_missing_checkpoint_is_one_sentence_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = ["demo", "--out", str(tmp_path / "out"), "--checkpoint", str(tmp_path / "absent")]
    for command, problem in (
        ([*absent, "--suite", "primitives"], "no checkpoint in"),
        (absent, "add --suite primitives"),
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert len(said.strip().splitlines()) == 1 and problem in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_no_process(request_to_end: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autoglm_embodied.tools.cli", "demo", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 200
        while not (tmp_path / "log" / "voice_node.log").exists():  # the last one to start
            assert time.monotonic() < deadline and running.poll() is None
            time.sleep(0.05)
        started = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(request_to_end)
        _, stream_problem = running.communicate(timeout=200)
    assert running.returncode == 130
    assert stream_problem.strip() == "autoglm demo: stopped"
    assert len(started) >= 4 and psutil.wait_procs(started, timeout=60)[1] == []
