"""ROS time that stands, a governor that is gone and a second node that commands are noticed on the monotonic clock."""

from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from autoglm_embodied.ros.watchdogs import ANEW_S, GONE_S, STARTED, ClockWatch, GovernorWatch, RivalWatch

MS, S = 1_000_000, 1_000_000_000
FREE = DiagnosticStatus(level=DiagnosticStatus.OK, message="free to move since noon: by service")
STOPPED = DiagnosticStatus(level=DiagnosticStatus.ERROR, message="stopped since noon: by service")
IDLE = DiagnosticStatus(level=DiagnosticStatus.WARN, message="not governed: governor_node is inactive; activate it")


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


def test_a_governor_that_never_told_its_state_is_missed() -> None:
    said = GovernorWatch("governor/state").trouble(99 * S)
    assert said == "No governor tells its state on governor/state; start governor_node."


def test_one_that_repeats_its_state_is_there_and_one_that_no_longer_does_is_gone() -> None:
    watch = GovernorWatch("governor/state")
    for second in range(5):
        watch.take(FREE, second * S)
        assert watch.trouble(second * S + round(GONE_S * S)) == ""
    assert watch.trouble(4 * S + round(GONE_S * S) + 1).startswith("The governor is gone, its last state is 2 s old; ")
    watch.take(FREE, 60 * S)
    assert watch.trouble(60 * S) == ""


def test_a_stop_and_an_idle_governor_are_told_with_their_cure_and_one_that_died_stopped_is_gone() -> None:
    watch = GovernorWatch("governor/state")
    watch.take(STOPPED, 0)
    assert watch.stopped(S) and not watch.stopped(60 * S)
    assert watch.trouble(S) == "The robot is stopped since noon: by service; resume before the next grasp."
    assert "gone" in watch.trouble(60 * S)
    watch.take(IDLE, S)
    assert not watch.stopped(S)
    assert watch.trouble(S) == "The robot is not governed: governor_node is inactive; activate it."


def free_since_start(started: str) -> DiagnosticStatus:
    """A state of the governor that started then."""
    return DiagnosticStatus(level=DiagnosticStatus.OK, message="free", values=[KeyValue(key=STARTED, value=started)])


def test_a_governor_that_died_and_is_back_before_it_was_missed_ends_what_ran_under_the_one_before() -> None:
    watch = GovernorWatch("governor/state")
    for tenth in range(5):
        watch.take(free_since_start("noon"), tenth * 200 * MS)
        assert watch.trouble(tenth * 200 * MS) == ""
    watch.take(free_since_start("a second later"), 2 * S)
    assert watch.trouble(2 * S).startswith("The governor was started again")
    watch.take(free_since_start("a second later"), 2 * S + 200 * MS)
    assert watch.trouble(2 * S + 900 * MS).startswith("The governor was started again")
    assert watch.trouble(2 * S + round(ANEW_S * S)) == ""


def told(ticks: int, rivals_per_tick: int, publishers: int, begin_ns: int = 0, watch: RivalWatch | None = None) -> str:
    """What a watch says after ticks at 30 Hz."""
    watch = watch or RivalWatch("policy/delta_twist", lambda: publishers)
    for tick in range(ticks):
        now_ns = begin_ns + tick * S // 30
        watch.sent(now_ns)
        for _ in range(1 + rivals_per_tick):
            watch.received(now_ns)
    return watch.trouble(now_ns)


@pytest.mark.parametrize("publishers", [1, 2, 5])
def test_what_one_node_sends_is_no_rivalry_whoever_else_is_known(publishers: int) -> None:
    assert told(60, 0, publishers) == ""
    assert told(1, 0, publishers) == ""


def test_a_second_node_that_commands_is_noticed_within_a_second_and_forgotten_a_second_after() -> None:
    watch = RivalWatch("policy/delta_twist", lambda: 2)
    assert "policy/delta_twist" in told(15, 1, 2, watch=watch)
    assert told(45, 0, 2, begin_ns=S, watch=watch) == ""


def test_a_burst_of_one_node_alone_is_no_rivalry() -> None:
    assert told(60, 3, 1) == ""


def test_the_messages_of_another_node_are_held_against_the_rate_that_it_has() -> None:
    for per_s, rivalry in ((5, False), (10, True)):
        watch = RivalWatch("governor/state", lambda: 2, per_s=5.0, most=1.5)
        for beat in range(3 * per_s):
            watch.received(beat * S // per_s)
        assert bool(watch.trouble(3 * S)) is rivalry


@pytest.mark.parametrize(("rival_hz", "rivalry"), [(0, False), (30, True), (100, True)])
def test_a_rival_that_commands_less_often_is_noticed_too(rival_hz: int, rivalry: bool) -> None:
    watch = RivalWatch("policy/delta_twist", lambda: 2)
    for sender_hz, note in ((100, watch.sent), (100, watch.received), (rival_hz, watch.received)):
        for number in range(sender_hz):
            note(number * S // sender_hz)
    assert bool(watch.trouble(S - 1)) is rivalry
