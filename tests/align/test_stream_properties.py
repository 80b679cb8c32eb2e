"""What holds of buffers, clocks and interpolation whatever comes, and in whatever order.

Ten properties of 300 cases each; `--hypothesis-profile anew` makes other cases in every run.
"""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autoglm_embodied.align.clock import ClockOffsetEstimator
from autoglm_embodied.align.interpolate import InterpolationLimits, interpolate
from autoglm_embodied.align.stream import Placement, Ring, Stream
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray

MS = 1_000_000
HOUR_MS = 3_600_000
EPOCH = 1_700_000_000_000 * MS
JUMP_NS = 1_000 * MS

cases = settings(max_examples=300)
stamps_ms = st.lists(st.integers(0, 80), max_size=40)
number = st.floats(-1e4, 1e4)
odd_number = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e300, 1e5 + 1])


def in_order(least: int, most: int = 12) -> st.SearchStrategy[list[int]]:
    """Stamps [ms] that grow."""
    return st.lists(st.integers(0, 400), min_size=least, max_size=most, unique=True).map(sorted)


def ramp(stamps_ns: NDArray[np.int64]) -> FloatArray:
    """(n, 2) a straight line in each number."""
    seconds = (stamps_ns - EPOCH) / 1e9
    return np.stack([seconds, 3.0 - 2.0 * seconds], axis=1)


def at(milliseconds: list[int]) -> NDArray[np.int64]:
    return EPOCH + np.array(milliseconds, np.int64) * MS


@cases
@given(stamps_ms, st.integers(1, 12))
def test_a_ring_keeps_the_latest_stamps_once_each_in_order_whatever_the_order_of_arrival(
    arrivals: list[int], capacity: int
) -> None:
    ring, kept = Ring(capacity, (1,)), dict[int, float]()
    for k, stamp in enumerate(arrivals):
        placement = ring.push(stamp, np.array([float(k)]))
        too_old = len(kept) == capacity and stamp < min(kept)
        expected = Placement.DUPLICATE if stamp in kept else Placement.TOO_OLD if too_old else None
        assert expected is None or placement is expected
        if expected is None:
            assert (placement is Placement.NEWEST) == (not kept or stamp > max(kept))
            kept[stamp] = float(k)
            if len(kept) > capacity:
                kept.pop(min(kept))
        assert ring.stamps_ns.tolist() == sorted(kept)
        assert ring.values[:, 0].tolist() == [kept[stamp] for stamp in sorted(kept)]


@cases
@given(st.lists(st.tuples(st.integers(0, 60), st.one_of(number, odd_number), st.integers(1, 3)), max_size=30))
def test_every_sample_that_comes_is_counted_once_as_taken_duplicate_or_refused(
    arrivals: list[tuple[int, float, int]],
) -> None:
    stream, taken = Stream("wrench", Ring(64, (2,)), JUMP_NS, max_abs=1e5), 0
    for k, (stamp, value, size) in enumerate(arrivals):
        usable = size == 2 and abs(value) <= 1e5
        try:
            taken += stream.push(EPOCH + stamp * MS, k * MS, np.full(size, value))
            assert usable
        except SensorError as error:
            assert not usable and str(error).startswith("wrench must")
    counts = stream.counts
    assert counts.received == len(arrivals) == taken + counts.duplicates + counts.rejected
    assert (
        len(stream.ring) == taken == len({stamp for stamp, value, size in arrivals if size == 2 and abs(value) <= 1e5})
    )


@cases
@given(in_order(2, 30), st.lists(st.tuples(st.integers(0, 29), st.sampled_from([-1, 1])), max_size=6))
def test_stamps_that_jump_an_hour_are_refused_and_change_nothing_else(
    good: list[int], jumps: list[tuple[int, int]]
) -> None:
    clean, disturbed = (Stream("wrench", Ring(64, (1,)), JUMP_NS) for _ in range(2))
    refused = 0
    for k, stamp in enumerate(good):
        for stream in (clean, disturbed):
            assert stream.push(EPOCH + stamp * MS, stamp * MS, np.array([float(k)]))
        for _, sign in (jump for jump in jumps if jump[0] == k):
            assert not disturbed.push(EPOCH + (stamp + sign * HOUR_MS) * MS, stamp * MS, np.zeros(1))
            refused += 1
    assert disturbed.counts.rejected == refused and not disturbed.counts.restarts
    np.testing.assert_array_equal(clean.ring.stamps_ns, disturbed.ring.stamps_ns)
    np.testing.assert_array_equal(clean.ring.values, disturbed.ring.values)


@cases
@given(in_order(1, 20), st.integers(HOUR_MS, 10 * HOUR_MS), st.sampled_from([-1, 1]))
def test_a_clock_set_anew_is_believed_once_nothing_else_comes(before: list[int], jump_ms: int, sign: int) -> None:
    stream = Stream("wrench", Ring(64, (1,)), JUMP_NS)
    for stamp in before:
        stream.push(EPOCH + stamp * MS, stamp * MS, np.zeros(1))
    for later_ms in range(0, 1_500, 50):  # the sender goes on, on its new clock
        stream.push(EPOCH + (sign * jump_ms + before[-1] + later_ms) * MS, (before[-1] + later_ms) * MS, np.ones(1))
    assert stream.counts.restarts == 1 and (stream.ring.values == 1.0).all()


@cases
@given(st.integers(-(10**18), 10**18), st.floats(-500, 500), st.lists(st.integers(0, 5 * MS), min_size=20, max_size=20))
def test_offset_and_drift_are_found_whatever_the_delays_as_long_as_one_message_a_second_is_fast(
    offset_ns: int, drift_ppm: float, delays_ns: list[int]
) -> None:
    clock = ClockOffsetEstimator()
    for k in range(100):  # 10 Hz; the first of each second travels at once
        sent_ns = k * 100 * MS
        delay_ns = 0 if k % 10 == 0 else delays_ns[k % 20]
        clock.add(sent_ns + offset_ns + round(sent_ns * drift_ppm * 1e-6), sent_ns + delay_ns)
    estimate = clock.estimate
    assert estimate is not None and abs(estimate.drift_ppm - drift_ppm) < 60.0
    stamp_ns = offset_ns + 9_000 * MS + round(9_000 * MS * drift_ppm * 1e-6)
    drifted_ns = estimate.drift_ppm * 1e-6 * (9_000 * MS - estimate.at_ns)
    assert abs((9_000 * MS + estimate.offset_ns - stamp_ns) + drifted_ns) < 600_000


# Interpolation


@cases
@given(in_order(1), st.integers(-50, 500), st.integers(1, 200), st.integers(0, 100))
def test_a_value_is_exact_on_a_straight_line_and_its_time_error_says_where_it_was_measured(
    stamps: list[int], tick: int, gap_ms: int, beyond_ms: int
) -> None:
    stamps_ns, t_ns = at(stamps), EPOCH + tick * MS
    sense = interpolate(stamps_ns, ramp(stamps_ns), t_ns, InterpolationLimits(gap_ms * MS, beyond_ms * MS))
    if sense.value is None:
        return
    where_ns = t_ns - sense.time_error_ns  # what is returned is what was there then
    np.testing.assert_allclose(sense.value, ramp(np.array([where_ns]))[0], atol=1e-9)


@cases
@given(in_order(1), st.integers(-50, 500), st.integers(1, 200))
def test_interpolation_never_crosses_a_hole_longer_than_the_limit(stamps: list[int], tick: int, gap_ms: int) -> None:
    stamps_ns, t_ns = at(stamps), EPOCH + tick * MS
    sense = interpolate(stamps_ns, ramp(stamps_ns), t_ns, InterpolationLimits(gap_ms * MS))
    before = [stamp for stamp in stamps if stamp <= tick]
    after = [stamp for stamp in stamps if stamp > tick]
    if not before:
        assert not sense.present
    elif before[-1] == tick or (after and after[0] - before[-1] <= gap_ms):
        assert sense.present and sense.age_ns == sense.time_error_ns == 0
    else:
        held = not after or tick - before[-1] <= gap_ms
        assert sense.present == held and sense.age_ns == sense.time_error_ns == (tick - before[-1]) * MS


@cases
@given(in_order(2), st.integers(0, 300), st.integers(0, 200))
def test_a_value_is_drawn_on_by_a_period_and_the_limit_at_most_and_says_so(
    stamps: list[int], past_ms: int, beyond_ms: int
) -> None:
    stamps_ns, values = at(stamps), ramp(at(stamps))
    sense = interpolate(
        stamps_ns, values, int(stamps_ns[-1]) + past_ms * MS, InterpolationLimits(500 * MS, beyond_ms * MS)
    )
    drawn_ms = min(past_ms, beyond_ms, stamps[-1] - stamps[-2])
    assert sense.extrapolated_ns == drawn_ms * MS and sense.time_error_ns == (past_ms - drawn_ms) * MS
    assert sense.age_ns == past_ms * MS


@cases
@given(st.lists(number, min_size=4, max_size=4), in_order(2, 2), st.integers(0, 400))
def test_an_interpolated_value_lies_between_its_neighbours(numbers: list[float], pair: list[int], tick: int) -> None:
    assume(pair[0] <= tick <= pair[1])
    values = np.array(numbers).reshape(2, 2)
    value = interpolate(at(pair), values, EPOCH + tick * MS, InterpolationLimits(500 * MS)).value
    assert value is not None
    slack = 1e-12 * np.abs(values).max()
    assert (value >= values.min(axis=0) - slack).all() and (value <= values.max(axis=0) + slack).all()


@cases
@given(st.lists(number, min_size=4, max_size=4), in_order(4, 4), st.floats(0, 1))
def test_a_curve_leaves_its_samples_by_a_third_of_their_spread_at_most_however_they_are_stamped(
    numbers: list[float], stamps: list[int], fraction: float
) -> None:
    t_ns = EPOCH + round((stamps[1] + fraction * (stamps[2] - stamps[1])) * MS)
    values = np.array(numbers)[:, None]
    value = interpolate(at(stamps), values, t_ns, InterpolationLimits(500 * MS, cubic=True)).value
    assert value is not None
    beyond = (values.max() - values.min()) / 3 + 1e-9
    assert values.min() - beyond <= value[0] <= values.max() + beyond
