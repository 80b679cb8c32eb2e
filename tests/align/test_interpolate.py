"""Interpolated values lie where they should, and nothing is ever extrapolated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from autoglm_embodied.align.interpolate import hold, linear, slerp

STAMPS = np.array([100, 200, 300, 900], np.int64)
VALUES = np.array([[1.0], [2.0], [3.0], [9.0]])


@pytest.mark.parametrize(("t", "value"), [(100, 1.0), (150, 1.5), (175, 1.75), (300, 3.0)])
def test_a_line_between_two_samples_has_no_time_error(t: int, value: float) -> None:
    sense = linear(STAMPS, VALUES, t, max_gap_ns=100)
    assert sense.value == pytest.approx(value) and sense.time_error_ns == 0


@pytest.mark.parametrize(("t", "value", "error"), [(950, 9.0, 50), (600, 3.0, 300)])
def test_beyond_the_newest_and_inside_a_hole_the_value_is_held(t: int, value: float, error: int) -> None:
    sense = linear(STAMPS, VALUES, t, max_gap_ns=100)
    assert (sense.value, sense.age_ns, sense.time_error_ns) == (value, error, error)


@pytest.mark.parametrize("stamps", [STAMPS, STAMPS[:0]])
def test_before_the_first_sample_there_is_no_value(stamps: np.ndarray) -> None:
    assert not linear(stamps, VALUES[: len(stamps)], 99, max_gap_ns=100).present
    assert not hold(stamps, VALUES[: len(stamps)], 99).present


def test_slerp_turns_at_constant_speed_about_one_axis() -> None:
    axis = np.array([1.0, 2.0, -2.0]) / 3.0
    start, end = np.eye(4), np.eye(4)
    start[:3, :3] = Rotation.from_rotvec(0.2 * axis).as_matrix()
    end[:3, :3] = Rotation.from_rotvec(1.8 * axis).as_matrix()
    end[:3, 3] = [4.0, 0.0, -8.0]
    quarter = slerp(start, end, 0.25)
    np.testing.assert_allclose(quarter[:3, :3], Rotation.from_rotvec(0.6 * axis).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(quarter[:3, 3], [1.0, 0.0, -2.0])
