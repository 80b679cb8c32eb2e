"""The figures of a long run, of samples, counts and ticks that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from autoglm_embodied_sim.eval.soak import ProcessSample, add_losses, add_processes, add_ticks

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


def test_what_was_lost_before_the_run_does_not_count_and_who_is_silent_is_named() -> None:
    counts = [{"wrench_lost": lost, "wrench_received": received} for lost, received in (("7", "50"), ("9", "148"))]
    report = made()
    add_losses(report, [NodeStatus(0, "governor_node", 0, "", values) for values in counts])
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
