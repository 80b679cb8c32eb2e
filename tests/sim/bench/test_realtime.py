from __future__ import annotations

import os

import numpy as np
import pytest
from autoglm_embodied_sim.bench import realtime as bench
from autoglm_embodied_sim.bench.realtime import Timings, one_core
from autoglm_embodied_sim.judge import hanging
from autoglm_embodied_sim.robots.arm import Arm

from autoglm_embodied.metrics import Report


def test_the_factor_is_simulated_over_spent_time() -> None:
    timings = Timings(steps=[33, 33, 34], step_s=[0.002, 0.003, 0.002], frame_s=[0.001, 0.001, 0.001])
    assert timings.realtime_factor == pytest.approx(10.0)


def test_a_run_grasps_and_lifts_with_thirty_images_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[Arm] = []
    monkeypatch.setattr(Arm, "close", lambda arm: ended.append(arm))
    timings = bench.run((64, 48), seed=0, scenes=1)
    assert len(timings.frame_s) == len(timings.step_s) == len(timings.steps)
    assert sum(timings.steps) / len(timings.steps) == pytest.approx(1000 / 30, abs=0.02)
    (arm,) = ended
    assert hanging(arm, np.full(3, 0.02)) == (0,)


def test_one_core_is_used_and_then_all_again() -> None:
    cores = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError), one_core():
        assert len(os.sched_getaffinity(0)) == 1
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == cores


def test_every_figure_is_reported_for_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SIZES", ((64, 48), (32, 24)))
    monkeypatch.setattr(bench, "SCENES", 1)
    monkeypatch.setattr(bench, "LONGEST_FRAMES", 6)
    report, said = Report("autoglm bench sim", seed=0, started_ns=0), []
    bench.measure(report, said.append)
    for case in ("64x48", "32x24"):
        factor = report.value("sim.realtime_factor", case=case)
        step_us, frame_ms = (report.value(name, case=case, stat="p50") for name in ("sim.step_us", "sim.frame_ms"))
        assert factor is not None and step_us is not None and frame_ms is not None
        assert factor > 0 and step_us > 0 and frame_ms > 0
        assert any(case in what for what in said)
    assert np.unique([row.n for row in report.rows]).tolist() == [6]
