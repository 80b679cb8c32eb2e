"""Why an episode failed: one class, decided from what the simulator saw happen and from nothing a policy says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Failure(str, Enum):
    """One class an episode; of several tries the one that came furthest counts. `meaning` explains it to people."""

    meaning: str

    NONE = "none", "success: what was asked for, and nothing else, was in the hand after lift and shake"
    NO_GRASP_FOUND = "no_grasp_found", "the hand neither touched anything on the way down nor ever closed"
    COLLIDED = "collided", "every approach was broken off by contact, so that the hand never closed"
    CLOSED_ON_NOTHING = "closed_on_nothing", "the fingers closed with nothing between them"
    SLIPPED_IN_LIFT = "slipped_in_lift", "the object was between the fingers and was lost before or in the lift"
    SLIPPED_IN_SHAKE = "slipped_in_shake", "the object hung in the air after the lift and was lost in the shake"
    WRONG_OBJECT = "wrong_object", "the hand closed on another object at the end, whether or not it then kept it"
    TWO_OBJECTS = "two_objects", "the hand held what was asked for and another object with it"
    GAVE_UP = "gave_up", "the policy opened the hand with the object still in it, or only ever closed on others"

    def __new__(cls, value: str, meaning: str = "") -> Failure:
        """A string, as it stands in files, that knows what it means."""
        member = str.__new__(cls, value)
        member._value_, member.meaning = value, meaning
        return member


@dataclass(frozen=True)
class Closing:
    """The fingers closed once."""

    gripped: frozenset[int]  # objects between both fingers when these stood still
    kept: frozenset[int]  # of those, what was still there when the hand opened again or the policy was done


@dataclass(frozen=True)
class GraspEvents:
    """What happened in an episode, as far as its failure depends on it."""

    wanted: frozenset[int]  # objects any of which would do: the named one
    stopped: int  # descents broken off by contact
    closings: tuple[Closing, ...]
    open_at_end: bool  # whether the policy was done with an open hand
    lifted: frozenset[int]  # objects that hung from the hand after the judge's lift
    held: frozenset[int]  # and after its shakes


def failure_of(events: GraspEvents) -> Failure:
    """The class of an episode in which what was wanted was not held, or not alone."""
    if events.held:
        return Failure.TWO_OBJECTS if events.held & events.wanted else Failure.WRONG_OBJECT
    if not events.closings:
        return Failure.COLLIDED if events.stopped else Failure.NO_GRASP_FOUND
    return _empty_handed(events) if events.open_at_end else _lost(events)


def _lost(events: GraspEvents) -> Failure:
    """The policy was done with a closed hand, and at the end nothing was in it."""
    last = events.closings[-1]
    if events.lifted & events.wanted:
        return Failure.SLIPPED_IN_SHAKE
    if last.gripped & events.wanted:
        return Failure.SLIPPED_IN_LIFT
    return Failure.WRONG_OBJECT if last.gripped or events.lifted else Failure.CLOSED_ON_NOTHING


def _empty_handed(events: GraspEvents) -> Failure:
    """The policy was done with an open hand: the try that came furthest."""
    if any(closing.kept & events.wanted for closing in events.closings):
        return Failure.GAVE_UP
    if any(closing.gripped & events.wanted for closing in events.closings):
        return Failure.SLIPPED_IN_LIFT
    if any(not closing.gripped for closing in events.closings):
        return Failure.CLOSED_ON_NOTHING
    return Failure.GAVE_UP
