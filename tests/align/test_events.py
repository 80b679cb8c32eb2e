"""What was said holds from its instant until something else takes its place."""

from __future__ import annotations

from itertools import permutations

from autoglm_embodied.align.events import MOST, Events

S = 1_000_000_000


def test_the_latest_event_that_is_not_in_the_future_holds_whatever_order_they_come_in() -> None:
    said = [(1 * S, "red"), (3 * S, "green"), (5 * S, "blue")]
    for order in permutations(said):
        events = Events(60 * S)
        for stamp_ns, text in order:
            events.push(stamp_ns, text)
        held = [events.at(t * S).value for t in range(7)]
        assert held == [None, "red", "red", "green", "green", "blue", "blue"]


def test_an_event_has_its_age_and_ends_with_its_validity() -> None:
    events = Events(10 * S)
    events.push(2 * S, "red")
    assert (events.at(12 * S).value, events.at(12 * S).age_ns) == ("red", 10 * S)
    assert events.at(12 * S + 1).value is None and events.at(12 * S + 1).age_ns == 10 * S + 1


def test_what_was_cancelled_is_gone_at_once_even_if_it_was_still_to_begin() -> None:
    events = Events(60 * S)
    events.push(1 * S, "red")
    events.push(9 * S, "green")
    events.cancel()
    assert events.at(2 * S).value is None and events.at(10 * S).value is None
    events.push(11 * S, "blue")
    assert events.at(11 * S).value == "blue"


def test_an_event_said_again_at_the_same_instant_takes_the_place_of_the_first() -> None:
    events = Events(60 * S)
    events.push(1 * S, "red")
    events.push(1 * S, "green")
    assert events.at(1 * S).value == "green"


def test_memory_does_not_grow_with_what_is_said() -> None:
    events = Events(60 * S)
    for k in range(10 * MOST):
        events.push(k * S, str(k))
    assert events.at(10 * MOST * S).value == str(10 * MOST - 1)
    assert events.at((9 * MOST - 1) * S).value is None
