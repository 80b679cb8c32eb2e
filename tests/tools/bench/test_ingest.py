"""The bench of the ingest: what did not reach a tick is lost, and the two processes run over real DDS."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench.ingest import add_figures
from autoglm_embodied.tools.cli import main
from autoglm_embodied.tools.cli.bench import CAMERAS

MS = 1_000_000
TRIES = 3  # 0.4 s of wrenches are kept; a receiver that is not scheduled for longer loses some


def test_what_was_sent_and_not_taken_is_lost() -> None:
    report = Report("autoglm bench ingest", 0, 0)
    frames, fast = np.arange(10) * 33 * MS, np.arange(300) * MS
    ticks = np.array([[k * 10 * MS, MS, 3 if k else 2] for k in range(31)])
    received = {"frame": frames[[0, 1, 2, 4, 5, 6, 8, 9]], "wrench": np.append(fast[5:], -MS), "ticks": ticks}
    sent = {"rgb": frames, "depth": frames, "wrench": fast}
    add_figures(report, sent, received | {"skipped": 1.0, "cpu_core": 0.5, "busy_cores": 1.0})
    assert report.value("ingest.frames_lost") == 2 and report.value("ingest.wrenches_lost") == 5
    assert report.value("ingest.sent", case="wrench") == 300
    assert report.value("ingest.tick_period_ms", stat="p99") == pytest.approx(10.0)
    assert report.value("ingest.ticks_whole") == pytest.approx(30 / 31)


def figures(file: Path) -> dict[tuple[str, str | None, str | None], float]:
    """Of three seconds."""
    assert main(["bench", "ingest", "--seconds", "3", "--camera", "jpeg", "--json", str(file)]) == 0
    return {(row["figure"], row["case"], row["stat"]): row["value"] for row in json.loads(file.read_text())["rows"]}


@pytest.mark.slow
def test_wrenches_come_whole_over_dds_and_every_figure_has_its_name(tmp_path: Path) -> None:
    for _ in range(TRIES):
        rows = figures(tmp_path / "ingest.json")
        if rows["ingest.wrenches_lost", None, None] == 0:
            break
    assert rows["ingest.wrenches_lost", None, None] == 0 and rows["ingest.sent", "wrench", None] == 3000
    assert rows["ingest.sent", "rgb", None] == rows["ingest.sent", "depth", None] == 90
    assert {("ingest.frames_lost", None, None), ("ingest.tick_period_ms", None, "p99")} <= rows.keys()
    assert all(rows["ingest.frame_ms", kind, "p99"] >= rows["ingest.frame_ms", kind, "p50"] > 0 for kind in CAMERAS)
    assert rows["ingest.frame_ratio", "raw", None] == 1 < rows["ingest.frame_ratio", "all", None]


def test_too_short_a_time_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ingest", "--seconds", "0"]) == 2
    assert "--seconds must be 1 or more, got 0" in capsys.readouterr().err
