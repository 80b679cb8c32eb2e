"""`autoglm faults`: real nodes, real DDS, a real fault; and the table of its figures in the document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.faults.fault import FAULTS, Fault
from autoglm_embodied.faults.trial import Result
from autoglm_embodied.metrics import Report
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.tools.cli import main
from autoglm_embodied.tools.faults import bench, beside
from autoglm_embodied.tools.faults.table import insert, read, table

DOCS = Path(__file__).resolve().parents[3] / "docs"
Measure = Callable[[str], dict[tuple[str, str | None], float]]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Figures of one trial of a fault, on a machine that may be busy.

    How soon is shown in tests/safety, on a clock of their own, and in docs/reliability.md, on a quiet machine.
    """
    patient = Limits(policy_timeout_ns=500_000_000, wrench_timeout_ns=500_000_000)
    monkeypatch.setattr(bench, "Limits", lambda: patient)
    monkeypatch.setattr(bench, "RECOVERY_S", 30.0)
    monkeypatch.setattr(bench, "ONSET_S", 30.0)
    monkeypatch.setattr(bench, "READY_S", 240.0)
    monkeypatch.setattr(bench, "FAULTS", [replace(fault, lasts_s=max(3.0, fault.lasts_s)) for fault in FAULTS])

    def measure(fault: str) -> dict[tuple[str, str | None], float]:
        path = tmp_path / "faults.json"
        command = ["faults", "--only", fault, "--n", "1", "--report", str(tmp_path), "--json", str(path)]
        assert main(command) == 0
        values = {(row["figure"], row["stat"]): row["value"] for row in json.loads(path.read_text())["rows"]}
        assert values["fault.nan_published", None] == values["fault.crashed", None] == 0
        return values

    return measure


def test_a_fault_that_ends_the_measurement_leaves_the_figures_of_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Graph:
        def realtime_factors(self) -> list[float]:
            return [1.0]

    @contextmanager
    def running(*_: object) -> Iterator[Graph]:
        yield Graph()

    def trials(_: Graph, fault: Fault, *__: object) -> list[Result]:
        if fault.name == "wrench_nan":
            raise SetupError("the arm does not move")
        return [Result(5.0, 6.0, 1.0, 7.0, undisturbed=False, uncommanded=False, nan=0, crashed=0)]

    monkeypatch.setattr(bench, "fault_bench", running)
    monkeypatch.setattr(bench, "_trials", trials)
    path = tmp_path / "faults.json"
    assert main(["faults", "--only", "wrench_stop", "wrench_nan", "--n", "1", "--json", str(path)]) == 2
    assert "the arm does not move" in capsys.readouterr().err
    assert "`wrench_stop`" in table(read(path)) and "`wrench_nan`" not in table(read(path))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["wrench_stop", "voice_killed_stop"])
def test_an_arm_that_must_stand_does_and_goes_on_when_the_fault_is_over(fault: str, measured: Measure) -> None:
    values = measured(fault)
    for figure in ("fault.safe_ms", "fault.detect_ms", "fault.recovery_ms"):
        assert values[figure, "max"] > 0, figure


@pytest.mark.slow
def test_a_full_disk_ends_the_recorder_which_says_so_and_nothing_else(measured: Measure, tmp_path: Path) -> None:
    values = measured("disk_full")
    assert values["fault.detect_ms", "max"] > 0 and values["fault.recovery_ms", "max"] > 0
    log = (tmp_path / "log" / "steady" / "record_node.log").read_text()
    assert log.count("recording stopped after") == 1 and "(File too large)" in log and "Traceback" not in log
    assert not list(tmp_path.rglob("*.mcap"))


@pytest.mark.slow
def test_more_participants_end_no_node(measured: Measure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "JOINING", 10)  # which thirty take a minute for
    measured("participants_join")  # how soon the arm goes on beside them is a matter of the machine
    assert "10 joined" in (tmp_path / "log" / "steady" / "participants.log").read_text()


def report(tmp_path: Path) -> Path:
    made = Report("autoglm faults", 0, 0)
    for stat, value in (("p50", 12.345), ("p99", 20.0), ("max", 21.0)):
        made.add("fault.safe_ms", value, "ms", 4, case="wrench_stop", stat=stat)
    made.add("fault.uncommanded_motion", 0, "trials", 4, case="wrench_stop")
    made.details = {"load_at_start": 1.25, "load_at_end": 2.0, "realtime_factor": 0.97}
    path = tmp_path / "some.json"
    made.write_json(path, 10**9)
    return path


def test_a_table_says_what_the_figures_say_and_what_never_came(tmp_path: Path) -> None:
    said = table(read(report(tmp_path)))
    assert "load 1.2 at the start and 2.0 at the end; the simulator ran at 0.97 of real time" in said
    row = next(line for line in said.splitlines() if line.startswith("| `wrench_stop` |"))
    assert "| 4 | — / — | 12.3 / 20 / 21 | 20 ms | — | — / — |  | 0 / — / — |" in row


def test_a_table_is_put_between_the_markers_of_its_name(tmp_path: Path) -> None:
    document, path = tmp_path / "a.md", report(tmp_path)
    document.write_text("# A\n<!-- faults: some -->\nold\n<!-- end -->\nB\n")
    assert main(["faults", "--from", str(path), "--into", str(document)]) == 0
    assert document.read_text() == f"# A\n<!-- faults: some -->\n\n{table(read(path))}\n<!-- end -->\nB\n"
    with pytest.raises(ConfigError, match="no place for other; give it the lines <!-- faults: other --> and"):
        insert(document, "other", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "earthquake"], "there is no fault 'earthquake'; --only takes none, wrench_stop"),
        (["--n", "0"], "--n must be 1 or more, got 0"),
        (["--seed", "-1"], "--seed must be 0 or more"),
        (["--from", "absent.json"], "cannot read absent.json (No such file or directory)"),
        (["--from", str(DOCS / "figures" / "gantry.json")], "holds no figures of faults"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["faults", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_list_names_every_fault_and_what_must_come_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n{fault.name} " in f"\n{said}" for fault in FAULTS)
    assert "wrench: no wrench comes; the arm stands within 20 ms" in said


def test_the_tables_of_the_document_are_those_of_its_figures() -> None:
    text = (DOCS / "reliability.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- faults: (\w+) -->\n\n(.*?)\n<!-- end -->", text, flags=re.DOTALL)
    assert sorted(name for name, _ in shown) == [
        path.stem for path in sorted((DOCS / "figures" / "faults").glob("*.json"))
    ]
    for name, said in shown:
        assert said == table(read(DOCS / "figures" / "faults" / f"{name}.json")), name
