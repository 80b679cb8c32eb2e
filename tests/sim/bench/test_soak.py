"""The figures of a long run, of samples, counts and ticks that are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from autoglm_embodied_sim.bench.soak import ProcessSample, add_losses, add_processes, add_ticks

from autoglm_embodied.graph_recording import FusionTick, NodeStatus
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.cli import main

TICK = FusionTick(0, "the cube", "", "", "", 0, (), (), (), (0.0, 0.0, 0.0), 0.0, 0.0)


def made() -> Report:
    return Report("autoglm bench soak", 0, 0)


def test_growth_is_that_after_the_warm_up_and_a_share_of_a_core_that_of_the_run() -> None:
    def sample(at_s: int) -> ProcessSample:
        loading = min(at_s, 20) * 1_000_000
        return ProcessSample(
            at_s, {"leaks": loading + 500 * at_s, "governor_node": loading}, {"governor_node": at_s / 5}
        )

    report = made()
    samples = [replace(one, cpu_s=one.cpu_s | {"leaks": 1.0}) for one in map(sample, range(0, 101, 2))]
    add_processes(report, samples)
    assert report.value("soak.rss_slope_bytes_per_s", case="leaks") == pytest.approx(500)
    assert report.value("soak.rss_slope_bytes_per_s", case="governor_node") == 0
    assert report.value("governor.cpu_core", case="governor_node") == pytest.approx(0.2)
    assert report.value("soak.cpu_core", case="leaks") == 0


def test_what_was_lost_before_the_run_or_in_a_silence_does_not_count_and_who_is_silent_is_named() -> None:
    names = ("wrench_lost", "wrench_lost_in_silence", "wrench_received")
    told = [dict(zip(names, map(str, counts), strict=True)) for counts in ((7, 0, 50), (1209, 1200, 148))]
    report = made()
    add_losses(report, [NodeStatus(0, "governor_node", 0, "", values) for values in told])
    assert [(row.case, row.value, row.n) for row in report.rows] == [("governor_node", 2.0, 100)]
    assert [one.why for one in report.skipped] == ["fusion_node sent no diagnostics"]


def test_ticks_of_the_begin_are_told_from_those_of_the_end() -> None:
    ticks = [replace(TICK, stamp_ns=at * 10_000_000, tick_ms=1.0 if at < 60 else 4.0) for at in range(90)]
    report = made()
    add_ticks(report, [*ticks[:89], replace(ticks[89], stamp_ns=ticks[88].stamp_ns + 50_000_000)])
    for case, took_ms, most_ms in (("first third", 1.0, 10.0), ("last third", 4.0, 50.0)):
        assert report.value("soak.tick_ms", case=case, stat="p99") == took_ms
        p99_ms = report.value("soak.tick_interval_ms", case=case, stat="p99")
        assert p99_ms is not None and 0.7 * most_ms < p99_ms <= most_ms


def test_a_time_that_cannot_be_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "soak", "--minutes", "0"]) == 2
    assert "--minutes must be above 0 and at most 1440, got 0" in capsys.readouterr().err


def test_the_page_shows_the_figures_of_half_an_hour() -> None:
    docs = Path(__file__).resolve().parents[3] / "docs"
    page = " ".join((docs / "reliability.md").read_text().split())
    rows = json.loads((docs / "figures" / "soak" / "thirty_minutes.json").read_text())["rows"]
    values = {(row["figure"], row["case"], row["stat"]): row for row in rows}
    held = values["soak.held", None, None]
    assert f"{held['n']} grasps" in page and f"{held['value'] * held['n']:.0f} of them held" in page
    nodes = ("sim_node", "governor_node", "fusion_node")
    shares = [values["soak.cpu_core", node, None]["value"] for node in nodes if node != "governor_node"]
    shares.insert(1, values["governor.cpu_core", "governor_node", None]["value"])
    assert "| share of a core | " + " | ".join(f"{share:.2f}" for share in shares) + " |" in page
    growth = [values["soak.rss_slope_bytes_per_s", node, None]["ci95"] for node in nodes]
    assert f"{growth[0][0] / 1e3:.0f} to {growth[0][1] / 1e3:.0f} kB" in page
    assert all(f"{low:.0f} to {high:.0f} B" in page for low, high in growth[1:])
    for stat, shown in (("p50", "10.7 / 10.4"), ("p99", "25.7 / 25.0")):
        took = [values["soak.tick_ms", part, stat]["value"] for part in ("first third", "last third")]
        assert " / ".join(f"{ms:.1f}" for ms in took) == shown
    assert "10.7 / 25.7 and 10.4 / 25.0 ms" in page
