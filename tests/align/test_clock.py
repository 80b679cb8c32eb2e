"""Offset and drift of a sender's clock come out of what its messages say, whatever the delays."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.align.clock import ClockOffsetEstimator

S = 1_000_000_000
MS = 1_000_000


def listened(
    offset_ns: int, drift_ppm: float, seconds: int, jitter_ns: int = 3 * MS, least_ns: int = 0
) -> ClockOffsetEstimator:
    """A clock heard at 100 Hz through exponential delays."""
    clock, rng = ClockOffsetEstimator(), np.random.default_rng(3)
    for k in range(100 * seconds):
        sent_ns = 5 * S + k * 10 * MS
        stamp_ns = sent_ns + offset_ns + round(drift_ppm * 1e-6 * (sent_ns - 5 * S))
        clock.add(stamp_ns, sent_ns + least_ns + round(rng.exponential(jitter_ns)))
    return clock


@pytest.mark.parametrize("drift_ppm", [-80.0, 0.0, 25.0])
@pytest.mark.parametrize("offset_ns", [-3_600 * S, 0, 1_700_000_000 * S])
def test_offset_and_drift_are_found_through_the_delays(offset_ns: int, drift_ppm: float) -> None:
    estimate = listened(offset_ns, drift_ppm, 30).estimate
    assert estimate is not None
    assert estimate.drift_ppm == pytest.approx(drift_ppm, abs=5.0)
    wanted_ns = offset_ns + round(drift_ppm * 1e-6 * (estimate.at_ns - 5 * S))
    assert abs(estimate.offset_ns - wanted_ns) < 300_000
    assert estimate.residual_ns < 200_000


def test_the_line_maps_the_earliest_receive_time_of_a_message_to_its_stamp() -> None:
    estimate = listened(1_700_000_000 * S, 40.0, 30, least_ns=2 * MS).estimate
    assert estimate is not None
    for later_s in (0, 10):
        sent_ns = 35 * S + later_s * S
        stamp_ns = sent_ns + 1_700_000_000 * S + round(40e-6 * (sent_ns - 5 * S))
        receive_ns = sent_ns + 2 * MS
        drift_ns = estimate.drift_ppm * 1e-6 * (receive_ns - estimate.at_ns)
        assert abs(receive_ns + estimate.offset_ns + drift_ns - stamp_ns) < 500_000


def test_a_restless_clock_shows_in_the_residual() -> None:
    clock = ClockOffsetEstimator()
    for second in range(20):
        for k in range(100):
            receive_ns = second * S + k * 10 * MS
            clock.add(receive_ns + (second % 2) * 5 * MS, receive_ns)
    assert clock.estimate is not None and clock.estimate.residual_ns > 2 * MS


def test_there_is_no_estimate_before_three_seconds_and_none_after_a_clock_was_set_anew() -> None:
    assert listened(0, 0.0, 2).estimate is None
    clock = listened(0, 0.0, 5)
    assert clock.estimate is not None
    clock.clear()
    assert clock.estimate is None and clock.largest_ns is None
