"""The command line: quick help with an example, and one sentence for whatever a user gets wrong."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from importlib.metadata import EntryPoints
from pathlib import Path
from select import select
from threading import Thread, get_ident
from threading import enumerate as enumerate_threads

import pytest
from autoglm_embodied_sim.eval.episode import LEARNED
from autoglm_embodied_sim.eval.splits import SPLITS
from autoglm_embodied_sim.policies.baselines import ABLATIONS, BASELINES
from autoglm_embodied_sim.robots.layout import RIGS
from autoglm_embodied_sim.scenes.suite import SUITES

from autoglm_embodied.errors import SetupError
from autoglm_embodied.ingest import sensor_input
from autoglm_embodied.tools.cli import OF_THE_SIMULATOR, SUBCOMMANDS, main, record


def wav(path: Path, rate: int, frames: int) -> Path:
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(rate)
        recording.writeframes(bytes(2 * frames))
    return path


def stream_problem(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What stderr says of bad input, which must be one line and exit 2."""
    assert main(argv) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1 and "Traceback" not in said and said.startswith(f"autoglm {argv[0]}: ")
    return said


@pytest.mark.parametrize("name", (*SUBCOMMANDS, *OF_THE_SIMULATOR))
def test_every_subcommand_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"\n  autoglm {name}" in capsys.readouterr().out


def test_help_names_every_suite_policy_and_sense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    said = set(re.findall(r"\w+", capsys.readouterr().out))
    assert {*SUITES, *BASELINES, LEARNED, *RIGS, *SPLITS, *ABLATIONS} <= said


def test_help_imports_nothing_slow() -> None:
    script = (
        "import sys; from autoglm_embodied.tools.cli import parser; parser()\n"
        "slow = {'torch', 'rclpy', 'mujoco', 'numpy', 'cv2', 'matplotlib', 'rerun'} & set(sys.modules)\n"
        "sys.exit(f'imported {slow}' if slow else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)


def test_a_missing_or_wrong_recording_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound at all")
    for command in (["demo", "--out", str(tmp_path / "out"), "--wav"], ["voice", "--wav"]):
        assert "there is no recording" in stream_problem([*command, str(tmp_path / "absent.wav")], capsys)
        assert "cannot read" in stream_problem([*command, str(text)], capsys)
        assert "must be 16000 Hz" in stream_problem([*command, str(wav(tmp_path / "cd.wav", 44100, 4410))], capsys)
        assert "holds no sound" in stream_problem([*command, str(wav(tmp_path / "empty.wav", 16000, 0))], capsys)


@pytest.mark.parametrize("sentence", ["", "what a lovely day", "stop", "red cube"])
def test_a_sentence_that_asks_for_no_grasp_is_refused(
    sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no command" in stream_problem(["demo", "--out", str(tmp_path), "--say", sentence], capsys)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot make the folder" in stream_problem(["demo", "--out", str(tmp_path / "file" / "demo")], capsys)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--seed", "-1", "--seed must be 0 or more, got -1"), ("--objects", "9", "--objects must be 1 to 4, got 9")],
)
def test_an_impossible_number_is_refused(
    option: str, value: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in stream_problem(["demo", option, value, "--out", str(tmp_path)], capsys)


def test_a_viewer_without_a_display_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "--view needs a display" in stream_problem(["demo", "--view", "--out", str(tmp_path)], capsys)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["evaluate", "--episodes", "0"], "--episodes and --workers must be 1 or more"),
        (["bench", "sim", "--seed", "-1"], "--seed must be 0 or more"),
        (["collect", "--workers", "0"], "--workers must be 1 or more"),
        (["collect", "--dagger", "5", "--episodes", "0", "--images", "0"], "need the checkpoint"),
        (["train", "--data", "absent"], "no shards in absent"),
        (["train", "--data", "absent", "--statistics-only"], "name its folder with --start"),
        (["train-stop", "network", "--speech", "absent"], "the speech must hold texts with the word"),
        (["train-stop", "speech", "--engine", "hal", "--text", "README.md"], "there is no engine 'hal'"),
        (["train-stop", "speech", "--engine", "flite", "--text", "absent"], "cannot read absent"),
        (["bench", "voice", "--speech", "absent"], "absent must hold a folder of speech"),
        (["bench", "voice", "--commands", "absent"], "absent must hold a folder of speech"),
        (["bench", "voice", "--recordings", "absent"], "absent/sentences.tsv"),
        (["bench", "voice"], "name what to measure"),
    ],
)
def test_learning_without_what_it_needs_is_refused(
    argv: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in stream_problem(argv, capsys)


def test_two_sources_of_a_sentence_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--mic", "--say", "pick up the red cube"])
    assert ended.value.code == 2 and "not allowed with" in capsys.readouterr().err


def test_an_interrupt_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("autoglm_embodied.tools.cli.doctor.run", interrupted)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "autoglm doctor: stopped\n"


@pytest.fixture
def signal_handlers() -> Iterator[None]:
    before = {request: signal.getsignal(request) for request in (signal.SIGINT, signal.SIGTERM)}
    yield
    for request, handler in before.items():
        signal.signal(request, handler)


@pytest.mark.usefixtures("signal_handlers")
def test_a_signal_that_another_thread_receives_ends_the_main_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(*_: object) -> int:
        Thread(target=lambda: signal.pthread_kill(get_ident(), signal.SIGTERM)).start()
        return len(select([], [], [], 90.0))

    monkeypatch.setattr("autoglm_embodied.tools.cli.doctor.run", waits)
    asked_s = time.monotonic()
    assert main(["doctor"]) == 130
    assert time.monotonic() - asked_s < 60.0
    assert "signals" not in [thread.name for thread in enumerate_threads()]  # which would pass it on to what comes next


@pytest.mark.usefixtures("signal_handlers")
def test_a_signal_is_passed_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[int] = []

    def works(*_: object) -> int:
        signal.signal(signal.SIGTERM, lambda number, _: handled.append(number))
        signal.raise_signal(signal.SIGTERM)
        return sum(0 for _ in range(5_000_000))  # long enough for dozens of rounds

    monkeypatch.setattr("autoglm_embodied.tools.cli.doctor.run", works)
    assert main(["doctor"]) == 0
    assert 1 <= len(handled) <= 2  # as it came, and from the thread that wakes the main one


def test_what_a_subcommand_cannot_do_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise SetupError("no sound server; install one")

    monkeypatch.setattr("autoglm_embodied.tools.cli.doctor.run", broken)
    assert stream_problem(["doctor"], capsys) == "autoglm doctor: no sound server; install one"


@pytest.mark.parametrize("name", OF_THE_SIMULATOR)
def test_a_command_of_the_simulator_is_refused_where_that_is_not_installed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autoglm_embodied.tools.cli.entry_points", lambda group: EntryPoints())
    assert "comes with autoglm_embodied_sim, which is not installed" in stream_problem([name], capsys)


def test_a_benchmark_of_the_simulator_comes_with_the_simulator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    assert re.search(r"^ +sim ", capsys.readouterr().out, re.M)
    monkeypatch.setattr("autoglm_embodied.tools.cli.bench.entry_points", lambda group: ())
    with pytest.raises(SystemExit) as ended:
        main(["bench", "sim"])
    assert ended.value.code == 2 and "invalid choice: 'sim'" in capsys.readouterr().err


def test_a_benchmark_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "speed"])
    assert ended.value.code == 2 and "invalid choice: 'speed'" in capsys.readouterr().err


def test_the_streams_that_the_command_line_knows_are_those_that_are_recorded() -> None:
    assert record.STREAMS == tuple(sensor_input.STREAMS)


def test_a_sentence_is_understood_without_sound_or_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["voice", "--text", "nimm den roten Würfel", "--language", "de", "--json", str(tmp_path / "meaning.json")]
    assert main(argv) == 0
    assert json.loads((tmp_path / "meaning.json").read_text(encoding="utf-8")) == {
        "text": "nimm den roten Würfel",
        "language": "de",
        "intent": "grasp",
        "slots": {"colour": "red", "noun": "cube"},
        "instruction": "pick up the red cube",
    }
    assert re.search(r"colour\s*│\s*red", capsys.readouterr().out)
    assert main(["voice", "--text", "what a lovely day"]) == 1
    assert capsys.readouterr().out.strip() == "none"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--text", "stop", "--namespace", "r1"], "--namespace is for --robot"),
        (["--robot", "--namespace", "r-1"], "a namespace must be letters, digits and underscores between slashes"),
    ],
)
def test_a_namespace_that_is_none_or_of_nothing_is_refused(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in stream_problem(["voice", *argv], capsys)


def test_a_language_without_commands_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--text", "haltu", "--language", "eo"], ["--say", "stop", "--language", "eo"]):
        assert "language 'eo'; choose one of ar, de, en, es, fr, hi, it, ja, ko, pt, ru, zh" in stream_problem(
            ["voice", *argv], capsys
        )
