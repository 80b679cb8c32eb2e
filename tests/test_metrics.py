"""The one form in which every command reports what it measured."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report, wilson

STARTED_NS = 1_767_225_600 * 10**9  # 2026-01-01T00:00:00Z


def report() -> Report:
    made = Report("autoglm evaluate", seed=3, started_ns=STARTED_NS)
    made.add_fraction("grasp.success", 45, 50, case="separated/learned", stat="final")
    made.add("grasp.seconds", 6.25, "s", 45, stat="p50")
    made.skip("grasp.peak_force_n", "no wrench arrived")
    return made


def test_json_has_the_agreed_form(tmp_path: Path) -> None:
    path = tmp_path / "made" / "figures.json"
    report().write_json(path, now_ns=STARTED_NS + 12_300_000_000)
    loaded = json.loads(path.read_text())
    assert list(loaded) == [
        "command", "version", "git", "machine", "seed", "started", "seconds", "rows", "skipped",
    ]  # fmt: skip
    assert (loaded["started"], loaded["seconds"], loaded["seed"]) == ("2026-01-01T00:00:00Z", 12.3, 3)
    assert set(loaded["machine"]) == {"cpu", "cores", "gpu"}
    assert loaded["rows"][1] == {
        "figure": "grasp.seconds", "case": None, "stat": "p50", "value": 6.25, "unit": "s", "n": 45, "ci95": None,
    }  # fmt: skip
    assert loaded["skipped"] == [{"figure": "grasp.peak_force_n", "why": "no wrench arrived"}]


def test_table_prints_the_rows_of_the_json() -> None:
    made, text = report(), io.StringIO()
    made.print_table(Console(file=text, width=160))
    for row in made.rows:
        assert any(row.figure in line and f"{row.value:.4g}" in line for line in text.getvalue().splitlines())
    assert "not measured: grasp.peak_force_n: no wrench arrived" in text.getvalue()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match="must be finite"):
        report().add("grasp.seconds", value, "s")


def test_no_trials_are_skipped_and_never_zero() -> None:
    made = Report("autoglm evaluate", seed=None, started_ns=STARTED_NS)
    made.add_fraction("grasp.success", 0, 0)
    assert made.rows == [] and made.skipped[0].figure == "grasp.success"


def test_details_may_not_hide_the_form() -> None:
    made = report()
    made.details["seed"] = 4
    with pytest.raises(ConfigError, match="'seed'"):
        made.as_json(STARTED_NS)


def test_unwritable_path_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write figures"):
        report().write_json(tmp_path / "file" / "figures.json", STARTED_NS)


def test_wilson_agrees_with_published_values() -> None:
    assert wilson(10, 20) == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(117, 120) == pytest.approx((0.9291, 0.9915), abs=1e-3)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_a_fraction(trial: tuple[int, int]) -> None:
    count, n = trial
    low, high = wilson(count, n)
    assert 0 <= low <= count / n + 1e-12 and count / n - 1e-12 <= high <= 1


@pytest.mark.parametrize(("count", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_impossible_counts(count: int, n: int) -> None:
    with pytest.raises(ConfigError, match="Wilson"):
        wilson(count, n)


def test_percentiles_are_rows_of_their_names_and_no_sample_gives_none() -> None:
    made = Report("autoglm bench align", seed=None, started_ns=STARTED_NS)
    made.add_percentiles("align.push_us", list(range(101)), "us", case="wrench", percents=(50, 99, 100))
    made.add_percentiles("align.tick_us", [], "us")
    assert [(row.figure, row.case, row.stat, row.value, row.n) for row in made.rows] == [
        ("align.push_us", "wrench", stat, value, 101) for stat, value in (("p50", 50.0), ("p99", 99.0), ("max", 100.0))
    ]
