"""A second node is noticed by what it sends, not by publishers that were killed or are idle."""

from __future__ import annotations

import pytest

from autoglm_embodied.ros.rival_watch import RivalWatch

NS = 1_000_000_000


def told(ticks: int, rivals_per_tick: int, publishers: int, begin_ns: int = 0, watch: RivalWatch | None = None) -> str:
    """What a watch says after ticks at 30 Hz."""
    watch = watch or RivalWatch("policy/delta_twist", lambda: publishers)
    for tick in range(ticks):
        now_ns = begin_ns + tick * NS // 30
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
    assert told(45, 0, 2, begin_ns=NS, watch=watch) == ""


def test_a_burst_of_one_node_alone_is_no_rivalry() -> None:
    assert told(60, 3, 1) == ""


def test_the_messages_of_another_node_are_held_against_the_rate_that_it_has() -> None:
    for per_s, rivalry in ((5, False), (10, True)):
        watch = RivalWatch("governor/state", lambda: 2, per_s=5.0, most=1.5)
        for beat in range(3 * per_s):
            watch.received(beat * NS // per_s)
        assert bool(watch.trouble(3 * NS)) is rivalry


@pytest.mark.parametrize(("rival_hz", "rivalry"), [(0, False), (30, True), (100, True)])
def test_a_rival_that_commands_less_often_is_noticed_too(rival_hz: int, rivalry: bool) -> None:
    watch = RivalWatch("policy/delta_twist", lambda: 2)
    for sender_hz, note in ((100, watch.sent), (100, watch.received), (rival_hz, watch.received)):
        for number in range(sender_hz):
            note(number * NS // sender_hz)
    assert bool(watch.trouble(NS - 1)) is rivalry
