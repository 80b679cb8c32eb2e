"""ROS time that stands still is noticed on the monotonic clock, and one that moves or jumps is not."""

from __future__ import annotations

import pytest

from autoglm_embodied.ros.clock_watch import ClockWatch

MS, S = 1_000_000, 1_000_000_000


def test_without_any_time_it_is_said_at_once_and_over_with_the_first() -> None:
    watch = ClockWatch()
    assert watch.trouble(0, 5 * S).startswith("no time comes on /clock, which use_sim_time asks for; start")
    assert watch.trouble(7 * S, 5 * S + 1) == ""


def test_a_time_that_stands_is_told_after_a_second_and_over_once_it_moves() -> None:
    watch = ClockWatch()
    assert [watch.trouble(9 * S, at_ms * MS) for at_ms in (0, 500, 999)] == ["", "", ""]
    assert watch.trouble(9 * S, S).startswith("the time on /clock stands for 1 s; start or resume the simulator")
    assert watch.trouble(9 * S, 61 * S).startswith("the time on /clock stands for 61 s")
    assert watch.trouble(9 * S + 1, 61 * S + 1) == ""


@pytest.mark.parametrize("step_ns", [100 * MS, -3600 * S, 3600 * S, 1])
def test_a_time_that_moves_or_jumps_is_usable(step_ns: int) -> None:
    watch = ClockWatch()
    assert not any(watch.trouble(10**15 + step_ns * k, k * 900 * MS) for k in range(20))
