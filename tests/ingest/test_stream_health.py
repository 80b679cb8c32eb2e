"""A meter counts what is missing from stamps and the rate from receive times."""

from __future__ import annotations

import pytest

from autoglm_embodied.ingest.stream_health import StreamMeter

MS = 1_000_000


def fed(stamps_ms: list[int]) -> StreamMeter:
    meter = StreamMeter(1000.0)
    for stamp in stamps_ms:
        meter.count(stamp * MS, stamp * MS)
    return meter


@pytest.mark.parametrize(
    ("stamps_ms", "lost"),
    [
        ([0, 1, 2, 3], 0),
        ([0, 1, 5], 3),
        ([0, 3, 1, 2], 0),  # late ones fill their holes
        ([0, 3, 3, 4], 2),  # a repeated one fills none
    ],
)
def test_holes_in_the_stamps_are_losses(stamps_ms: list[int], lost: int) -> None:
    meter = fed(stamps_ms)
    assert (meter.lost, meter.received) == (lost, len(stamps_ms))


@pytest.mark.parametrize("jump_ms", [-29_000, -1_500, 1_500, 3_600_000])
def test_stamps_that_jump_are_no_loss_and_silence_is(jump_ms: int) -> None:
    meter = fed([0, 1, 2])
    for k in range(3, 6):
        meter.count((10_000 + jump_ms + k) * MS, k * MS)
    meter.count((10_000 + jump_ms + 2_005) * MS, 2_005 * MS)
    assert (meter.lost, meter.received) == (1_999, 7)


def test_what_was_lost_is_told_once_and_a_sender_that_paused_is_told_apart() -> None:
    meter = fed([0, 1, 5])
    assert meter.problem_since_last("wrench").startswith("3 of wrench missing by their stamps; use config/fastdds.xml")
    assert meter.problem_since_last("wrench") == ""
    for stamp in (3_005, 3_006):  # restarted
        meter.count(stamp * MS, stamp * MS)
    said = "wrench was silent for 3.0 s; see whether its driver stopped or restarted"
    assert meter.problem_since_last("wrench") == said and meter.problem_since_last("wrench") == ""
    assert (meter.lost, meter.lost_in_silence) == (3 + 2_999, 2_999)
    assert meter.values("wrench") == {
        "wrench_hz": pytest.approx(4 / 3.006),
        "wrench_received": 5,
        "wrench_lost": 3_002,
        "wrench_lost_in_silence": 2_999,
    }


def test_a_message_that_comes_late_was_not_lost() -> None:
    meter = fed([0, 3, 1, 2])
    assert meter.problem_since_last("wrench") == ""


def test_jitter_is_no_loss() -> None:
    meter = StreamMeter(30.0)
    for k in range(300):
        meter.count(round(k * 1e9 / 30) + (k % 3 - 1) * 5 * MS, k)
    assert meter.lost == 0


def test_the_rate_is_that_of_what_came_and_zero_of_silence() -> None:
    meter = fed(list(range(0, 1001, 2)))
    assert meter.rate_hz() == pytest.approx(500.0)
    assert meter.rate_hz() == 0.0
    for stamp in range(1002, 2001, 2):
        meter.count(stamp * MS, stamp * MS)
    assert meter.rate_hz() == pytest.approx(500.0)
