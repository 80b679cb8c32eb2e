"""The bench of the aligner: its signals and baselines are what they say, and its figures have their fixed names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.tools.bench import align, align_cost, align_error
from autoglm_embodied.tools.bench.align_error import ErrorCase, compare
from autoglm_embodied.tools.bench.simulated_streams import (
    EPOCH_NS,
    Messages,
    SampleBuffer,
    Transport,
    band_limited,
    chirp,
    deliver,
    pick_samples,
    sine,
    slew,
    spikes,
)
from autoglm_embodied.tools.cli import main

MS = 1_000_000
SECONDS = np.arange(0.0, 20.0, 1e-3)


def spectrum(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(SECONDS), 1e-3), np.abs(np.fft.rfft(values[:, 0] * np.hanning(len(values)))) ** 2


def test_band_limited_motion_has_no_power_beyond_its_band_and_the_amplitude_asked_for() -> None:
    values = band_limited(5.0, 3, np.random.default_rng(0), 0.2)(SECONDS)
    hz, power = spectrum(values)
    assert power[hz > 5.3].sum() < 1e-5 * power.sum() and power[hz > 3.0].sum() > 0.1 * power.sum()
    assert np.sqrt(np.mean(values**2)) == pytest.approx(0.2, rel=0.15)


def test_a_chirp_rises_from_one_frequency_to_the_other() -> None:
    values = chirp(1.0, 5.0, 20.0, 1)(SECONDS)[:, 0]
    crossings = np.flatnonzero(np.diff(np.sign(values)) > 0) * 1e-3
    assert 1 / np.diff(crossings)[0] == pytest.approx(1.0, rel=0.15)
    assert 1 / np.diff(crossings)[-1] == pytest.approx(5.0, rel=0.05)


def test_a_slew_has_constant_speed_and_corners_and_a_spike_its_height() -> None:
    speed = np.abs(np.diff(slew(0.5, 0.7, 1)(SECONDS)[:, 0])) / 1e-3
    assert np.median(speed) == pytest.approx(0.5) and np.mean(speed < 0.49) < 0.01
    felt = spikes(np.array([1.0, 2.0]))(SECONDS)
    assert felt[:, 2].max() == pytest.approx(20.0) and np.count_nonzero(felt[:, 2]) == 6
    assert not felt[:1000].any()


def test_messages_come_late_and_some_never() -> None:
    rng = np.random.default_rng(0)
    messages = deliver(sine(1.0, 2), 100.0, 100.0, Transport(delay_s=0.05, jitter=1.0, loss=0.3), rng)
    assert 0.67 < len(messages.stamp_ns) / 10_000 < 0.73
    assert (messages.receive_ns - (messages.stamp_ns - EPOCH_NS) == 50 * MS).all()
    since_due_ns = (messages.stamp_ns - EPOCH_NS) % (10 * MS)
    assert since_due_ns.min() < MS and since_due_ns.max() > 9 * MS


def test_baselines_pick_from_what_has_been_received() -> None:
    stamps_ms = np.array([0, 10, 20])
    messages = Messages(stamps_ms * MS + 5 * MS, EPOCH_NS + stamps_ms * MS, np.array([[0.0], [1.0], [2.0]]))
    t_ns = np.array([4, 6, 10, 16, 19, 24]) * MS
    long_after = np.full(6, 100 * MS)
    last, nearest = SampleBuffer.last, SampleBuffer.nearest
    assert pick_samples(messages, t_ns, long_after, last)[:, 0].tolist() == [0, 0, 1, 1, 1, 2]
    assert pick_samples(messages, t_ns, long_after, nearest)[:, 0].tolist() == [0, 1, 1, 2, 2, 2]
    soon = np.array([6, 11, 16]) * MS  # at 6 ms only the first has come
    for pick in (last, nearest):
        assert pick_samples(messages, soon, soon, pick)[:, 0].tolist() == [0, 0, 1]


def test_messages_may_overtake_one_another_and_baselines_still_go_by_their_stamps() -> None:
    rng = np.random.default_rng(0)
    messages = deliver(lambda at: at[:, None], 100.0, 20.0, Transport(delay_s=0.02, overtaking=2.0), rng)
    assert (np.diff(messages.receive_ns) >= 0).all() and (np.diff(messages.stamp_ns) < 0).any()
    now_ns = np.arange(1_000, 19_000, 7) * MS
    for t_ns in (now_ns, now_ns - 50 * MS):
        for pick, wanted in (
            (SampleBuffer.last, lambda age: np.where(age < 0, np.inf, age)),
            (SampleBuffer.nearest, np.abs),
        ):
            picked = pick_samples(messages, t_ns, now_ns, pick)[:, 0]
            for value, t, now in zip(picked, t_ns, now_ns, strict=True):
                come = messages.receive_ns <= now
                age_ns = EPOCH_NS + t - messages.stamp_ns[come]
                chosen_ns = messages.stamp_ns[messages.values[:, 0] == value]
                assert wanted(EPOCH_NS + t - chosen_ns) == wanted(age_ns).min()  # two may be as near


def test_on_a_slow_motion_a_line_is_far_better_than_a_sample_and_all_three_are_compared_on_the_same_ticks() -> None:
    errors = compare(ErrorCase("", (sine(1.0, 7, 0.1), sine(1.0, 16))), np.random.default_rng(0))
    for kind in ("vector", "rotation", "latent"):
        assert 0 < errors.aligned[kind] < 0.1 * errors.last[kind] and errors.nearest[kind] < errors.last[kind]
    # A sample held over a period T is off by 2 pi f T / sqrt(3) of the motion's RMS.
    assert errors.last["latent"] == pytest.approx(2 * np.pi / 30 / np.sqrt(3) / np.sqrt(2), rel=0.05)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the bench on less: the figures come out noisier, by the same way."""
    monkeypatch.setattr(align, "CASES", {case: align.CASES[case] for case in (align.CASE, "overtaking")})
    monkeypatch.setattr(align_error, "SECONDS", 6.0)
    monkeypatch.setattr(align_error, "FREQUENCIES_HZ", align_error.FREQUENCIES_HZ[::12])
    for name, fewer in (("TICKS_TIMED", 300), ("LOCK_MS", 500), ("WARM_MS", 2_000)):
        monkeypatch.setattr(align_cost, name, fewer)


def test_the_figures_have_their_names_and_a_late_camera_costs_no_observation(short: None, tmp_path: Path) -> None:
    file, plot = tmp_path / "align.json", tmp_path / "align.png"
    assert main(["bench", "align", "--hours", "0.003", "--json", str(file), "--plot", str(plot)]) == 0
    report = json.loads(file.read_text())
    rows = {(row["figure"], row["case"], row["stat"]): row["value"] for row in report["rows"]}
    assert rows["align.sets_formed", "camera_late_120ms", None] == 300
    assert rows["align.samples_used", "camera_late_120ms", None] == 1.0
    assert rows["align.time_error_ms", "camera_late_120ms", "p50"] >= 120.0
    assert rows["align.samples_used", "overtaking", None] == 1.0
    assert 0 < rows["align.samples_used", "camera_late_120ms/last", None] < 0.05
    assert ("align.tick_us", "all senses, between frames", "p50") in rows
    for kind in ("vector", "rotation", "latent"):
        assert 0 < rows["align.rms_ratio_vs_last", kind, None] < 0.5
        assert 0 < rows["align.rms_ratio_vs_nearest", kind, None] < 1
    assert rows["align.contacts_felt", "aligned", None] == 1.0 > rows["align.contacts_felt", "last", None]
    assert {("align.push_us", "wrench", "p50"), ("align.tick_us", "all senses", "p99")} <= rows.keys()
    assert "align.rss_slope_bytes_per_s" in {row["figure"] for row in report["rows"]}
    assert plot.stat().st_size > 10_000


def test_bad_arguments_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "align", "--hours", "-1"]) == 2
    assert "--hours must be 0 or more, got -1" in capsys.readouterr().err
