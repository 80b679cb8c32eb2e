"""The pyramid's statistics are those of numpy over the same window."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.align.pyramid import pyramid

MS = 1_000_000
WINDOWS = (8 * MS, 32 * MS, 128 * MS, 512 * MS)


def test_every_scale_holds_the_statistics_of_its_window() -> None:
    stamps = np.arange(600, dtype=np.int64) * MS
    wrench = np.random.default_rng(0).normal(size=(600, 6))
    result = pyramid(stamps, wrench, WINDOWS)
    assert result.shape == (4, 5, 6)
    for scale, samples in zip(result, (8, 32, 128, 512), strict=True):
        window, time_s = wrench[-samples:], stamps[-samples:] * 1e-9
        expected = [window.mean(0), window.std(0), window.min(0), window.max(0), np.polyfit(time_s, window, 1)[0]]
        np.testing.assert_allclose(scale, expected, rtol=1e-6, atol=1e-9)


def test_a_ramp_shows_its_slope_through_a_hole_in_the_samples() -> None:
    stamps = np.concatenate([np.arange(0, 300), np.arange(400, 512)]).astype(np.int64) * MS
    ramp = np.repeat(3.0 * stamps[:, None] * 1e-9, 6, axis=1)
    np.testing.assert_allclose(pyramid(stamps, ramp, WINDOWS)[:, 4], 3.0, rtol=1e-9)


def test_a_lone_sample_has_neither_deviation_nor_slope() -> None:
    result = pyramid(np.array([5], np.int64), np.full((1, 6), 2.0), WINDOWS)
    np.testing.assert_array_equal(result[:, [0, 2, 3]], 2.0)
    np.testing.assert_array_equal(result[:, [1, 4]], 0.0)
