"""Classes of failure, one case each, from what happened alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from autoglm_embodied_sim.eval.failure import Closing, Failure, GraspEvents, failure_of

TARGET, OTHER, NOTHING = frozenset({1}), frozenset({0}), frozenset[int]()
MISSED, NEIGHBOUR = Closing(NOTHING, NOTHING), Closing(OTHER, OTHER)
LOST, KEPT = Closing(TARGET, NOTHING), Closing(TARGET, TARGET)
STILL = GraspEvents(TARGET, 0, (), open_at_end=True, lifted=NOTHING, held=NOTHING)


def closed(*closings: Closing, **happened: frozenset[int]) -> GraspEvents:
    """The policy was done with a closed hand."""
    return replace(STILL, closings=closings, open_at_end=False, **happened)


def opened(*closings: Closing, stopped: int = 0) -> GraspEvents:
    """It let go before it was done."""
    return replace(STILL, closings=closings, stopped=stopped)


CASES = {
    "never came down": (STILL, Failure.NO_GRASP_FOUND),
    "met something on every way down": (replace(STILL, stopped=9), Failure.COLLIDED),
    "closed in the air": (closed(MISSED), Failure.CLOSED_ON_NOTHING),
    "closed in the air each time and gave up": (opened(MISSED, MISSED, stopped=3), Failure.CLOSED_ON_NOTHING),
    "lost on the way up": (closed(LOST), Failure.SLIPPED_IN_LIFT),
    "lost in the judge's lift": (closed(KEPT), Failure.SLIPPED_IN_LIFT),
    "lost once, then missed until it gave up": (opened(LOST, MISSED, MISSED), Failure.SLIPPED_IN_LIFT),
    "lost in the shake": (closed(KEPT, lifted=TARGET), Failure.SLIPPED_IN_SHAKE),
    "hooked, not gripped, and lost in the shake": (closed(MISSED, lifted=TARGET), Failure.SLIPPED_IN_SHAKE),
    "holds a neighbour": (closed(NEIGHBOUR, lifted=OTHER, held=OTHER), Failure.WRONG_OBJECT),
    "held a neighbour until the shake": (closed(NEIGHBOUR, lifted=OTHER), Failure.WRONG_OBJECT),
    "holds both": (closed(KEPT, lifted=TARGET | OTHER, held=TARGET | OTHER), Failure.TWO_OBJECTS),
    "let it go though it held it": (opened(MISSED, KEPT), Failure.GAVE_UP),
    "only ever moved neighbours": (opened(NEIGHBOUR, NEIGHBOUR, stopped=1), Failure.GAVE_UP),
}


@pytest.mark.parametrize("name", CASES)
def test_each_way_to_fail_has_its_class(name: str) -> None:
    events, failure = CASES[name]
    assert failure_of(events) is failure


def test_every_class_has_a_case_and_says_what_it_means() -> None:
    assert {failure for _, failure in CASES.values()} == set(Failure) - {Failure.NONE}
    assert len({failure.meaning for failure in Failure}) == len(Failure)


def test_where_any_object_would_do_none_is_wrong() -> None:
    anything = replace(closed(NEIGHBOUR), wanted=TARGET | OTHER)
    assert failure_of(anything) is Failure.SLIPPED_IN_LIFT
    assert failure_of(replace(anything, held=TARGET | OTHER)) is Failure.TWO_OBJECTS


def test_a_class_is_read_back_from_its_name() -> None:
    assert Failure("collided") is Failure.COLLIDED and Failure.COLLIDED == "collided"
