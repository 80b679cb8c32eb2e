from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.sensors.sensor import ColourErrors, DepthErrors
from autoglm_embodied_sim.sensors.sensor_specs import ColourSpec, DepthSpec, Errors, Timing

SHAPE = (240, 320)
S = 1_000_000_000
FLAT_M = np.full(SHAPE, 0.8, np.float32)
GREY = np.full((*SHAPE, 3), 100, np.uint8)


def depth(errors: Errors, hole_fraction: float = 0.0) -> DepthErrors:
    return DepthErrors(DepthSpec(Timing(30.0), errors, hole_fraction))


def colour(errors: Errors) -> ColourErrors:
    return ColourErrors(ColourSpec(Timing(30.0), errors))


def test_depth_noise_has_its_sigma_and_differs_from_frame_to_frame() -> None:
    errors = depth(Errors(sigma=0.002, bias=0.01))
    first, second = (errors.apply(0, FLAT_M) - FLAT_M for _ in range(2))
    assert first.std() == pytest.approx(0.002, rel=0.02)
    assert first.mean() == pytest.approx(0.01, abs=5e-5)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_holes_have_their_share_and_read_0() -> None:
    seen = depth(Errors(sigma=0.002), hole_fraction=0.1).apply(0, FLAT_M) > 0
    assert 1 - seen.mean() == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / seen.size))


def test_depth_lies_on_whole_steps() -> None:
    steps = depth(Errors(sigma=0.003, quantum=0.001), 0.01).apply(0, FLAT_M) / 0.001
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    assert len(np.unique(np.rint(steps))) > 10


def test_images_drift_from_the_first_frame_after_a_restart_on() -> None:
    far, bright = depth(Errors(drift_per_s=0.01)), colour(Errors(drift_per_s=(10, 0, -10)))
    for begin_ns in (3 * S, 50 * S):
        far.restart(0)
        bright.restart(0)
        for seconds in (0, 2):
            read_m = far.apply(begin_ns + seconds * S, FLAT_M)
            np.testing.assert_allclose(read_m - FLAT_M, 0.01 * seconds, atol=1e-6)
            levels = bright.apply(begin_ns + seconds * S, GREY)
            assert levels[0, 0].tolist() == [100 + 10 * seconds, 100, 100 - 10 * seconds]


def test_colour_noise_has_its_sigma_in_each_channel() -> None:
    error = colour(Errors(sigma=(2.0, 4.0, 8.0))).apply(0, GREY).astype(float) - 100
    np.testing.assert_allclose(error.std(axis=(0, 1)), [2, 4, 8], rtol=0.03)
    assert abs(np.corrcoef(error.reshape(-1, 3).T) - np.eye(3)).max() < 0.03


def test_colour_stays_within_its_range_and_on_its_steps() -> None:
    levels = colour(Errors(sigma=60.0, quantum=16.0)).apply(0, GREY)
    assert {0, 96, 112, 255} <= set(np.unique(levels))
    assert (levels[levels < 255] % 16 == 0).all()


def test_a_perfect_camera_changes_no_pixel() -> None:
    np.testing.assert_array_equal(colour(Errors()).apply(0, GREY), GREY)
    np.testing.assert_array_equal(depth(Errors()).apply(0, FLAT_M), FLAT_M)


def test_the_seed_decides_the_noise() -> None:
    errors = depth(Errors(sigma=0.01), 0.1), colour(Errors(sigma=5.0))
    for made, true in zip(errors, (FLAT_M, GREY), strict=True):
        images = []
        for seed in (1, 1, 2):
            made.restart(seed)
            images.append(made.apply(0, true))  # type: ignore[arg-type]
        np.testing.assert_array_equal(images[0], images[1])
        assert not np.array_equal(images[0], images[2])
