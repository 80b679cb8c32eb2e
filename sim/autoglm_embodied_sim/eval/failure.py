"""Why an episode failed: one class, decided from what the simulator saw happen and from nothing a policy says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from autoglm_embodied.grasping.hand import TRAVEL_M_S, HandPose, WrappedRig
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.judge import Verdict
from autoglm_embodied_sim.robots.hand_rig import SuiteRig

SHUT_M = 0.005
"""Fingers sent closer than this close; sent to a wider opening they only prepare to, unless they meet an object."""


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
    closings, wanted = events.closings, events.wanted
    if events.held:
        return Failure.TWO_OBJECTS if events.held & wanted else Failure.WRONG_OBJECT
    if not closings:
        return Failure.COLLIDED if events.stopped else Failure.NO_GRASP_FOUND
    if events.open_at_end:  # the try that came furthest counts
        if any(closing.gripped & wanted for closing in closings):
            return Failure.GAVE_UP if any(closing.kept & wanted for closing in closings) else Failure.SLIPPED_IN_LIFT
        return Failure.GAVE_UP if all(closing.gripped for closing in closings) else Failure.CLOSED_ON_NOTHING
    if events.lifted & wanted:
        return Failure.SLIPPED_IN_SHAKE
    if closings[-1].gripped & wanted:
        return Failure.SLIPPED_IN_LIFT
    return Failure.WRONG_OBJECT if closings[-1].gripped or events.lifted else Failure.CLOSED_ON_NOTHING


class ObservedRig(WrappedRig):
    """Only reads: no noise is drawn, no step added, so that the episode goes as it would unobserved.

    Args:
        rig: to be observed, the hand at rest and empty.
        on_contact: called when the fingers have closed, and when a guarded move was stopped.
    """

    def __init__(self, rig: SuiteRig, on_contact: Callable[[], None] | None = None) -> None:
        super().__init__(rig)
        self._observed = rig
        self._on_contact = on_contact or (lambda: None)
        self._contacts = rig.truth.contacts
        start = int(rig.model.sensor("force").adr[0])
        self._load = rig.data.sensordata[start : start + 6]  # a view of what acts on the wrist, without noise
        self._rest_n = self._load[:3].copy()
        self._loads: list[FloatArray] = []  # of every step; their norms one by one would slow the physics down
        self._stopped = 0
        self._closings: list[Closing] = []
        self._gripped: frozenset[int] | None = None  # None while the hand is open
        self._open_at_end = True
        rig.watch = lambda: self._loads.append(self._load.copy())

    @property
    def wrenches(self) -> list[FloatArray]:
        """(6,) what a wrist sensor without noise would have read at each step so far [N, N·m]."""
        return [-load for load in self._loads]

    @property
    def peak_force_n(self) -> float | None:
        """Largest force on the wrist so far, without the hand's own weight; None if no step was made."""
        norms = np.linalg.norm(np.array(self._loads).reshape(-1, 6)[:, :3] - self._rest_n, axis=1)
        return float(norms.max()) if len(norms) else None

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """See HandRig."""
        arrived = super().move(pose, speed_m_s, guard_n)
        if not arrived:
            self._stopped += 1
            self._on_contact()
        return arrived

    def grip(self, width_m: float) -> float:
        """See HandRig."""
        opens = width_m > self.width_m
        if opens or width_m <= SHUT_M:
            self._note_kept()
        reached_m = super().grip(width_m)
        between = self._contacts.between(self._observed.data)  # what is let go may still stick to the fingers
        if not opens and (width_m <= SHUT_M or between):
            self._gripped = between
            self._on_contact()
        return reached_m

    def end(self) -> None:
        """The policy is done; the judge's trial is not its doing."""
        self._open_at_end = self._gripped is None
        self._note_kept()
        self._observed.watch = None

    def events(self, wanted: frozenset[int], verdict: Verdict) -> GraspEvents:
        """What happened, when any of the objects `wanted` would have done."""
        lifted, held = frozenset(verdict.lifted), frozenset(verdict.held)
        return GraspEvents(wanted, self._stopped, tuple(self._closings), self._open_at_end, lifted, held)

    def _note_kept(self) -> None:
        """What was between the fingers is about to be let go."""
        if self._gripped is not None:
            kept = self._gripped & self._contacts.between(self._observed.data)
            self._closings.append(Closing(self._gripped, kept))
        self._gripped = None
