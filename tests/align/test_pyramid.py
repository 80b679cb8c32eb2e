"""The pyramid, which works on every sample once, says what numpy says of each whole window."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from autoglm_embodied.align.pyramid import ForcePyramid
from autoglm_embodied.align.stream import Ring
from autoglm_embodied.types import FloatArray

MS = 1_000_000
WINDOWS = (8 * MS, 32 * MS, 128 * MS, 512 * MS)


def plain(stamps_ns: NDArray[np.int64], wrench: FloatArray) -> FloatArray:
    """The reference: every window looked at whole."""
    scales = []
    for window_ns in WINDOWS:
        inside = stamps_ns > stamps_ns[-1] - window_ns
        window, time_s = wrench[inside], (stamps_ns[inside] - stamps_ns[-1]) * 1e-9
        slope = np.polyfit(time_s, window, 1)[0] if len(window) > 1 else np.zeros(6)
        scales.append([window.mean(0), window.std(0), window.min(0), window.max(0), slope])
    return np.array(scales)


def watched(ring: Ring) -> ForcePyramid:
    return ForcePyramid(ring, WINDOWS, lambda stamps_ns, values: values)


def assert_same(scales: FloatArray, stamps_ns: NDArray[np.int64], wrench: FloatArray) -> None:
    expected = plain(stamps_ns, wrench)
    np.testing.assert_array_equal(scales[:, 2:4], expected[:, 2:4])
    np.testing.assert_allclose(scales[:, :2], expected[:, :2], atol=1e-7)
    np.testing.assert_allclose(scales[:, 4], expected[:, 4], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("late", [0.0, 0.3])
@pytest.mark.parametrize("hole", [0.0, 0.002])
@pytest.mark.filterwarnings("ignore:Polyfit may be poorly conditioned")
def test_at_every_tick_every_window_holds_the_statistics_of_its_samples(late: float, hole: float) -> None:
    rng = np.random.default_rng(1)
    ring = Ring(700, (6,))  # its memory turns over several times
    pyramid, t_ns = watched(ring), 1_700_000_000_000 * MS
    for tick in range(400):
        for _ in range(rng.integers(1, 40)):
            t_ns += int(rng.integers(MS // 2, 3 * MS // 2)) if rng.random() >= hole else 900 * MS
            stamp_ns = t_ns - (int(rng.integers(1, 9 * MS)) if rng.random() < late else 0)
            ring.push(stamp_ns, np.array([0.0, 0, 7.0, 0, 0, 0]) + rng.normal(size=6))
        pyramid.update()
        starts, scales = pyramid.statistics(ring.end)
        assert_same(scales, ring.stamps_ns, ring.values)
        assert ring.end - starts[-1] == np.count_nonzero(ring.stamps_ns > ring.newest_ns - WINDOWS[-1])
        if tick % 5 == 0:
            past = int(rng.integers(1, len(ring) + 1))
            scales = pyramid.statistics(ring.begin + past)[1]
            assert_same(scales, ring.stamps_ns[:past], ring.values[:past])


def test_after_an_hour_the_sums_are_as_exact_as_at_first() -> None:
    ring, rng = Ring(2048, (6,)), np.random.default_rng(2)
    pyramid = watched(ring)
    for second in (0, 1, 3_600):
        for k in range(600):
            ring.push(second * 1000 * MS + k * MS, rng.normal(size=6))
        pyramid.update()
        assert_same(pyramid.statistics(ring.end)[1], ring.stamps_ns[-600:], ring.values[-600:])


def test_a_slow_sensor_that_never_fills_its_memory_keeps_exact_slopes() -> None:
    ring = Ring(2048, (6,))
    pyramid = watched(ring)
    for k in range(1_500):
        ring.push(k * 100 * MS, np.full(6, 3.0 * k * 0.1))
        pyramid.update()
    np.testing.assert_allclose(pyramid.statistics(ring.end)[1][3, 4], 3.0, rtol=1e-6)


def test_a_ramp_shows_its_slope_through_a_hole_in_the_samples() -> None:
    ring = Ring(2048, (6,))
    pyramid = watched(ring)
    for ms in (*range(300), *range(400, 512)):
        ring.push(ms * MS, np.full(6, 3.0 * ms * 1e-3))
    pyramid.update()
    np.testing.assert_allclose(pyramid.statistics(ring.end)[1][:, 4], 3.0, rtol=1e-9)


def test_a_lone_sample_has_neither_deviation_nor_slope() -> None:
    ring = Ring(8, (6,))
    pyramid = watched(ring)
    ring.push(5, np.full(6, 2.0))
    pyramid.update()
    _, scales = pyramid.statistics(ring.end)
    np.testing.assert_array_equal(scales[:, [0, 2, 3]], 2.0)
    np.testing.assert_array_equal(scales[:, [1, 4]], 0.0)


def test_each_sample_is_corrected_once_while_samples_come_in_order() -> None:
    ring, corrected = Ring(4096, (6,)), list[int]()

    def correct(stamps_ns: NDArray[np.int64], values: FloatArray) -> FloatArray:
        corrected.extend(stamps_ns.tolist())
        return values + 1.0

    pyramid = ForcePyramid(ring, WINDOWS, correct)
    for tick in range(40):
        for k in range(33):
            ring.push((33 * tick + k) * MS, np.zeros(6))
        pyramid.update()
        assert (pyramid.statistics(ring.end)[1][:, 0] == 1.0).all()
    assert sorted(corrected)[-33 * 40 + 33 :] == [k * MS for k in range(33, 33 * 40)]
    assert len(corrected) - len(set(corrected)) <= 1
