"""A rig that does as commanded and writes down, from the simulator's truth, what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autoglm_embodied_sim.eval.failure import Closing, GraspEvents
from autoglm_embodied_sim.judge import Verdict
from autoglm_embodied_sim.robots.hand_rig import TRAVEL_M_S, HandPose, SuiteRig, WrappedRig

ROWS = 4096  # readings kept before they are reduced to their largest: one at a time would slow the physics down


class PeakForce:
    """Watches the wrist sensor, without its noise and less what it carries when the watch begins.

    Args:
        model: of the rig (MjModel), whose sensor `force` is at the wrist.
        data: of the rig (MjData), the hand at rest and empty.
    """

    def __init__(self, model: Any, data: Any) -> None:
        start = int(model.sensor("force").adr[0])
        self._reading = data.sensordata[start : start + 3]  # a view
        self._rest_n = self._reading.copy()
        self._readings = np.empty((ROWS, 3))
        self._row = 0
        self._peak_n: float | None = None

    def note(self) -> None:
        """Take the reading of this step."""
        self._readings[self._row] = self._reading
        self._row += 1
        if self._row == ROWS:
            self._reduce()

    @property
    def peak_n(self) -> float | None:
        """The largest norm so far; None if no step was noted."""
        self._reduce()
        return self._peak_n

    def _reduce(self) -> None:
        if self._row:
            norms = np.linalg.norm(self._readings[: self._row] - self._rest_n, axis=1)
            self._peak_n = max(self._peak_n or 0.0, float(norms.max()))
            self._row = 0


SHUT_M = 0.005
"""Fingers sent closer than this close; sent to a wider opening they only prepare to, unless they meet an object."""


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
        self._force = PeakForce(rig.model, rig.data)
        self._stopped = 0
        self._closings: list[Closing] = []
        self._gripped: frozenset[int] | None = None  # None while the hand is open
        self._open_at_end = True
        rig.watch = self._force.note

    @property
    def peak_force_n(self) -> float | None:
        """Largest force on the wrist so far, without the hand's own weight."""
        return self._force.peak_n

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
