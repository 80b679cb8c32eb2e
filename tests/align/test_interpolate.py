"""Interpolated values lie where they should, and nothing is made up beyond the limits."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.align.interpolate import InterpolationLimits, interpolate

STAMPS = np.array([100, 200, 300, 900], np.int64)
VALUES = np.array([[1.0], [2.0], [3.0], [9.0]])
GAP = InterpolationLimits(max_gap_ns=100)


@pytest.mark.parametrize(("t", "value"), [(100, 1.0), (150, 1.5), (175, 1.75), (300, 3.0)])
def test_a_line_between_two_samples_has_no_time_error(t: int, value: float) -> None:
    sense = interpolate(STAMPS, VALUES, t, GAP)
    assert sense.value == pytest.approx(value) and sense.time_error_ns == sense.extrapolated_ns == 0


def test_beyond_the_newest_the_value_is_held_with_its_time_error() -> None:
    sense = interpolate(STAMPS, VALUES, 950, GAP)
    assert (sense.value, sense.age_ns, sense.time_error_ns) == (9.0, 50, 50)


@pytest.mark.parametrize(("t", "value"), [(400, 3.0), (401, None), (850, None), (900, 9.0)])
def test_in_a_hole_longer_than_the_limit_a_value_is_held_no_longer_than_that(t: int, value: float | None) -> None:
    assert interpolate(STAMPS, VALUES, t, GAP).value == value


@pytest.mark.parametrize("stamps", [STAMPS, STAMPS[:0]])
def test_before_the_first_sample_there_is_no_value(stamps: np.ndarray) -> None:
    assert not interpolate(stamps, VALUES[: len(stamps)], 99, GAP).present


@pytest.mark.parametrize(
    ("t", "beyond_ns", "value", "drawn_ns"),
    [(320, 50, 3.2, 20), (390, 50, 3.5, 50), (390, 500, 3.9, 90), (480, 500, 4.0, 100), (480, 0, 3.0, 0)],
)
def test_a_value_is_drawn_on_by_at_most_the_limit_and_a_period_and_marked(
    t: int, beyond_ns: int, value: float, drawn_ns: int
) -> None:
    sense = interpolate(STAMPS[:3], VALUES[:3], t, InterpolationLimits(100, beyond_ns))
    assert sense.value == pytest.approx(value)
    assert (sense.age_ns, sense.time_error_ns, sense.extrapolated_ns) == (t - 300, t - 300 - drawn_ns, drawn_ns)


def test_nothing_is_drawn_on_across_a_hole_or_from_a_lone_sample() -> None:
    for stamps, values in ((STAMPS, VALUES), (STAMPS[-1:], VALUES[-1:])):
        sense = interpolate(stamps, values, 950, InterpolationLimits(100, 100))
        assert (sense.value, sense.extrapolated_ns) == (9.0, 0)


def test_latents_of_frames_are_interpolated_token_by_token() -> None:
    frames = np.stack([np.zeros((4, 3), np.float32), np.arange(12, dtype=np.float32).reshape(4, 3)])
    sense = interpolate(np.array([0, 40], np.int64), frames, 10, GAP)
    assert sense.value is not None and sense.value.dtype == np.float32
    np.testing.assert_allclose(sense.value, frames[1] / 4)


def test_what_is_returned_is_no_view_of_the_stream() -> None:
    values = VALUES.copy()
    for t in (100, 150, 350, 950):
        value = interpolate(STAMPS, values, t, GAP).value
        assert value is not None
        value += 100.0
    np.testing.assert_array_equal(values, VALUES)


CUBIC = InterpolationLimits(max_gap_ns=100, cubic=True)


@pytest.mark.parametrize("t", [210, 250, 299])
def test_between_four_samples_a_curve_is_exact_on_a_cubic(t: int) -> None:
    stamps = np.array([100, 140, 200, 300, 390], np.int64)  # unevenly apart, but not by much
    values = np.stack([(stamps / 100.0) ** 3, 1.0 - (stamps / 100.0) ** 2], axis=1).reshape(-1, 1, 2)
    value = interpolate(stamps, values, t, CUBIC).value
    np.testing.assert_allclose(value, [[(t / 100.0) ** 3, 1.0 - (t / 100.0) ** 2]], rtol=1e-12)


def test_where_a_hole_or_the_end_is_near_a_curve_is_a_line() -> None:
    values = STAMPS[:, None] ** 3.0
    for t in (150, 250, 310, 950):
        assert interpolate(STAMPS, values, t, CUBIC).value == interpolate(STAMPS, values, t, GAP).value


def test_a_frame_that_was_stamped_late_does_not_throw_the_curve_off() -> None:
    stamps = np.array([0, 33, 98, 99], np.int64)  # the third was taken at 66
    values = np.arange(4.0)[:, None]
    sense = interpolate(stamps, values, 65, CUBIC)
    assert sense.value is not None and 1.0 <= sense.value[0] <= 2.0
