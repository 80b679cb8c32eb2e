"""What cannot be is refused and counted; what was only mixed up is mended."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.align.stream import Ring, Stream
from autoglm_embodied.errors import SensorError

S = 1_000_000_000
MS = 1_000_000
EPOCH = 1_700_000_000 * S  # header stamps count from 1970, receive times from the machine's start


@pytest.fixture
def stream() -> Stream:
    stream = Stream("wrench", Ring(64, (6,)), clock_jump_ns=S)
    for k in range(10):
        assert stream.push(EPOCH + k * MS, 5 * S + k * MS, np.zeros(6))
    return stream


@pytest.mark.parametrize("value", [np.full(6, np.nan), np.array([0, 0, np.inf, 0, 0, 0]), np.zeros(3)])
def test_unusable_values_raise_and_are_counted(stream: Stream, value: np.ndarray) -> None:
    with pytest.raises(SensorError, match="wrench"):
        stream.push(EPOCH + 10 * MS, 5 * S, value)
    assert stream.counts.rejected == 1 and len(stream.ring) == 10


@pytest.mark.parametrize("jump_ns", [-2 * S, 2 * S])
def test_a_single_stamp_far_off_is_refused(stream: Stream, jump_ns: int) -> None:
    assert not stream.push(EPOCH + jump_ns, 5 * S + 10 * MS, np.zeros(6))
    assert stream.push(EPOCH + 10 * MS, 5 * S + 10 * MS, np.zeros(6))
    assert (stream.counts.rejected, stream.counts.restarts) == (1, 0)


@pytest.mark.parametrize("jump_ns", [-3600 * S, 3600 * S])
def test_a_clock_set_anew_restarts_the_stream_within_a_second(stream: Stream, jump_ns: int) -> None:
    taken = [stream.push(EPOCH + jump_ns + k * MS, 5 * S + k * MS, np.zeros(6)) for k in range(10, 1100)]
    assert not any(taken[:999]) and all(taken[1000:])
    assert stream.counts.restarts == 1


def test_a_pause_is_no_jump(stream: Stream) -> None:
    assert stream.push(EPOCH + 60 * S, 65 * S, np.zeros(6))
    assert stream.counts.restarts == 0 and len(stream.ring) == 11


def test_late_and_repeated_samples_are_counted(stream: Stream) -> None:
    assert stream.push(EPOCH + 20 * MS, 5 * S + 20 * MS, np.zeros(6))
    assert stream.push(EPOCH + 15 * MS, 5 * S + 21 * MS, np.zeros(6))
    assert not stream.push(EPOCH + 15 * MS, 5 * S + 22 * MS, np.zeros(6))
    assert (stream.counts.received, stream.counts.late, stream.counts.duplicates) == (13, 1, 1)


def test_freshness_is_judged_by_receive_time_and_not_by_a_frozen_stamp(stream: Stream) -> None:
    now = 5 * S + 9 * MS
    assert stream.fresh(EPOCH + 9 * MS, now + 50 * MS, 50 * MS)
    assert not stream.fresh(EPOCH + 9 * MS, now + 51 * MS, 50 * MS)
    stream.push(EPOCH + 9 * MS, now + 51 * MS, np.zeros(6))  # a hung driver repeats its last stamp
    assert not stream.fresh(EPOCH + 9 * MS, now + 51 * MS, 50 * MS)
