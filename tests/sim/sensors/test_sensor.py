"""A sensor delivers what its spec says: tested against the statistics of its own settings."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.sensors.sensor import Samples, Sensor
from autoglm_embodied_sim.sensors.sensor_specs import ChannelErrors, Errors, Timing

MS = 1_000_000
INSTANTS = np.arange(1, 40_001) * MS
TRUE = np.tile([3.0, -7.0], (len(INSTANTS), 1))
EXACT = Errors()


def sensor(timing: Timing | None = None, errors: Errors = EXACT, seed: int = 0) -> Sensor:
    made = Sensor(timing or Timing(1000.0), ChannelErrors.stack((errors, 2)))
    made.restart(np.random.default_rng(seed), 0, TRUE[0])
    return made


def test_a_perfect_sensor_delivers_the_truth_at_once() -> None:
    samples = sensor().deliver(INSTANTS, TRUE, int(INSTANTS[-1]))
    np.testing.assert_array_equal(samples.value, TRUE)
    np.testing.assert_array_equal(samples.stamp_ns, INSTANTS)
    np.testing.assert_array_equal(samples.receive_ns, INSTANTS)


def test_noise_is_white_with_its_sigma_around_truth_and_bias() -> None:
    error = sensor(errors=Errors(sigma=(0.5, 2.0), bias=(1.0, 0.0))).read(INSTANTS, TRUE).value - TRUE
    n = len(INSTANTS)
    np.testing.assert_allclose(error.std(axis=0), [0.5, 2.0], rtol=5 / np.sqrt(2 * n))
    np.testing.assert_allclose(error.mean(axis=0), [1.0, 0.0], atol=5 * 2.0 / np.sqrt(n))
    centred = error - error.mean(axis=0)
    following = (centred[1:] * centred[:-1]).mean(axis=0) / centred.var(axis=0)
    assert abs(following).max() < 5 / np.sqrt(n)
    assert abs(np.corrcoef(error.T)[0, 1]) < 5 / np.sqrt(n)


def test_drift_grows_by_its_slope_from_the_restart_on() -> None:
    drifting = sensor(errors=Errors(bias=0.25, drift_per_s=(0.1, -0.4)))
    drifting.read(INSTANTS, TRUE)
    begin_ns = int(INSTANTS[-1])
    drifting.restart(np.random.default_rng(0), begin_ns, TRUE[0])
    error = drifting.read(INSTANTS + begin_ns, TRUE).value - TRUE
    slopes = np.polyfit(INSTANTS / 1e9, error, 1)
    np.testing.assert_allclose(slopes, [[0.1, -0.4], [0.25, 0.25]], atol=1e-9)


def test_readings_lie_on_the_steps_of_their_quantum_and_nowhere_else() -> None:
    value = sensor(errors=Errors(sigma=1.0, quantum=(0.25, 0.0))).read(INSTANTS, TRUE).value
    steps = value[:, 0] / 0.25
    np.testing.assert_array_equal(steps, np.rint(steps))
    assert len(np.unique(value[:, 0])) > 20
    assert len(np.unique(value[:, 1])) == len(value)
    error = sensor(errors=Errors(quantum=0.25)).read(INSTANTS, TRUE + np.linspace(0, 1, len(TRUE))[:, None])
    assert abs(error.value - TRUE - np.linspace(0, 1, len(TRUE))[:, None]).max() <= 0.125


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_dropout_loses_its_share_at_random_and_leaves_the_rest_alone(share: float) -> None:
    samples = sensor(Timing(1000.0, dropout=share)).read(INSTANTS, TRUE)
    n = len(INSTANTS)
    assert 1 - len(samples) / n == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / n))
    np.testing.assert_array_equal(samples.stamp_ns, samples.receive_ns)
    lost = ~np.isin(INSTANTS, samples.stamp_ns)
    assert lost[1:][lost[:-1]].mean() == pytest.approx(share, abs=5 / np.sqrt(lost.sum()))


def test_all_of_it_lost_is_nothing_delivered() -> None:
    assert len(sensor(Timing(1000.0, dropout=1.0)).deliver(INSTANTS, TRUE, int(INSTANTS[-1]))) == 0


def test_arrivals_are_late_by_latency_and_exponential_jitter() -> None:
    slow = sensor(Timing(20.0, latency_ns=30 * MS, jitter_ns=2 * MS))
    instants = np.arange(1, 4001) * 50 * MS
    samples = slow.read(instants, np.zeros((len(instants), 2)))
    jitter_ms = (samples.receive_ns - samples.stamp_ns) / MS - 30
    assert jitter_ms.min() >= 0
    assert jitter_ms.mean() == pytest.approx(2.0, rel=5 / np.sqrt(len(instants)))
    for quantile in (0.1, 0.5, 0.9, 0.99):
        assert np.quantile(jitter_ms, quantile) == pytest.approx(-2 * np.log(1 - quantile), rel=0.15)


def test_no_sample_overtakes_an_earlier_one() -> None:
    samples = sensor(Timing(1000.0, jitter_ns=5 * MS)).read(INSTANTS, TRUE)
    assert (np.diff(samples.receive_ns) >= 0).all()
    assert (samples.receive_ns >= samples.stamp_ns).all()
    assert (samples.receive_ns - samples.stamp_ns).mean() > 5 * MS


@pytest.mark.parametrize(("rate_hz", "wanted"), [(1000.0, 40_000), (500.0, 20_000), (30.0, 1200), (29.97, 1198)])
def test_a_rate_is_kept_without_creeping(rate_hz: float, wanted: int) -> None:
    stamps = sensor(Timing(rate_hz)).read(INSTANTS, TRUE).stamp_ns
    assert len(stamps) == wanted
    ideal_ns = np.arange(1, wanted + 1) / rate_hz * 1e9
    late_ns = stamps - ideal_ns
    assert -1 <= late_ns.min() and late_ns.max() < MS


def test_nothing_is_delivered_before_it_arrives_nor_twice() -> None:
    late = sensor(Timing(1000.0, latency_ns=7 * MS))
    got: list[Samples] = []
    for start in range(0, 100, 5):
        now_ns = (start + 5) * MS
        got.append(late.deliver(INSTANTS[start : start + 5], TRUE[start : start + 5], now_ns))
        assert (got[-1].receive_ns <= now_ns).all()
    stamps = np.concatenate([samples.stamp_ns for samples in got])
    np.testing.assert_array_equal(stamps, INSTANTS[:93])


def test_a_restart_forgets_what_is_under_way() -> None:
    late = sensor(Timing(1000.0, latency_ns=50 * MS))
    late.deliver(INSTANTS[:10], TRUE[:10], 10 * MS)
    late.restart(np.random.default_rng(0), 10 * MS, TRUE[0])
    samples = late.deliver(INSTANTS[10:100], TRUE[10:100], 100 * MS)
    assert samples.stamp_ns[0] == 11 * MS


def test_the_seed_alone_decides_however_the_time_is_cut() -> None:
    timing = Timing(400.0, latency_ns=3 * MS, jitter_ns=2 * MS, dropout=0.1)
    errors = Errors(sigma=1.0, quantum=0.1, bias=0.5, drift_per_s=0.2)
    whole = sensor(timing, errors, seed=4).read(INSTANTS[:1000], TRUE[:1000])
    cut = sensor(timing, errors, seed=4)
    parts = [cut.read(INSTANTS[a:b], TRUE[a:b]) for a, b in ((0, 1), (1, 18), (18, 18), (18, 700), (700, 1000))]
    for name in ("stamp_ns", "receive_ns", "value"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
    other = sensor(timing, errors, seed=5).read(INSTANTS[:1000], TRUE[:1000])
    assert not np.array_equal(other.stamp_ns, whole.stamp_ns)
