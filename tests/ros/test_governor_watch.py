"""The fusion node knows, on the monotonic clock, whether a governor governs."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus

from autoglm_embodied.ros.governor_watch import GONE_S, GovernorWatch

S = 1_000_000_000
FREE = DiagnosticStatus(level=DiagnosticStatus.OK, message="free to move since noon: by service")
STOPPED = DiagnosticStatus(level=DiagnosticStatus.ERROR, message="stopped since noon: by service")
IDLE = DiagnosticStatus(level=DiagnosticStatus.WARN, message="not governed: governor_node is inactive; activate it")


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
