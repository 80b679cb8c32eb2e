"""The one definition of success: what hangs from the hand after a lift, a lateral shake and a yaw shake.

A grasp succeeded if the object that was meant, and no other, hangs at least RAISED_M above where it lay and touches
nothing but the hand. Every suite, the nodes, the gymnasium environment and the expert's rehearsals are judged here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.hand_rig import SuiteRig

LIFT_M, RAISED_M = 0.15, 0.135
MARGIN_M, MOST_LIFT_M = 0.005, 0.25
"""The lift ends MARGIN_M above LIFT_M, for what sways; the hand rises by no more than MOST_LIFT_M to get there."""
LIFT_M_S = 0.1  # at its fastest
SHAKE_M, SHAKE_RAD, SHAKE_HZ, SHAKES = 0.03, 0.35, 1.25, 2
REST_S = 0.2
PERIOD_S = 0.01
MINIMUM_JERK_PEAK = 15 / 8  # largest over mean speed

Motion = Generator[FloatArray, None, "Verdict"]
"""Twists (6,) of the hand [m/s, rad/s, base frame], one each PERIOD_S; returns what was found."""


@dataclass(frozen=True)
class Verdict:
    """Which objects hung from the hand."""

    lifted: tuple[int, ...]  # after the lift
    held: tuple[int, ...]  # after the shakes

    def success(self, target: int | None) -> bool:
        """Whether the object that was meant, and no other, was held."""
        return target is not None and self.held == (target,)

    def wrong_object(self, target: int | None) -> bool:
        """Whether another object than the one that was meant was held."""
        return any(obj != target for obj in self.held)


def judge(rig: SuiteRig, rest_height_m: FloatArray) -> Verdict:
    """Lift and shake what is in the hand, from wherever the policy left it, and look.

    Args:
        rig: which is driven.
        rest_height_m: (count,) of the objects' centres of mass where they lay before the policy acted.
    """
    motion = lift_and_shake(rig, rest_height_m)
    while True:
        try:
            twist = next(motion)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict
        rig.drive(twist, PERIOD_S)


def lift_and_shake(rig: SuiteRig, rest_height_m: FloatArray) -> Motion:
    """The motion of the test, for whoever drives the rig; the rig itself is only read."""
    yield from _still()
    yield from _lift(rig, rest_height_m)
    lifted = hanging(rig, rest_height_m)
    for axis, amplitude in ((1, SHAKE_M), (5, SHAKE_RAD)):
        yield from _shake(axis, amplitude)
        yield from _still()
    return Verdict(lifted, hanging(rig, rest_height_m))


def hanging(rig: SuiteRig, rest_height_m: FloatArray) -> tuple[int, ...]:
    """The objects that hang now: RAISED_M above where they lay, touching nothing but the hand and one another."""
    risen_m = rig.truth.position_m(rig.data)[:, 2] - rest_height_m
    raised = frozenset(np.flatnonzero(risen_m >= RAISED_M).tolist())
    return tuple(sorted(rig.truth.contacts.borne_by_hand(rig.data, raised))) if raised else ()


def _lift(rig: SuiteRig, rest_height_m: FloatArray) -> Iterator[FloatArray]:
    """Rise until the highest object between the fingers is LIFT_M above where it lay, by LIFT_M if there is none.

    What turns in the grip rises by less than the hand does, and goes on turning for a while: its true height is looked
    at when the hand stands still.
    """
    if not rig.truth.contacts.between(rig.data):
        yield from _rise(LIFT_M)
        return
    left_m = MOST_LIFT_M
    while left_m > 0 and (between := sorted(rig.truth.contacts.between(rig.data))):
        risen_m = float((rig.truth.position_m(rig.data)[:, 2] - rest_height_m)[between].max())
        if risen_m >= LIFT_M:
            return
        way_m = min(LIFT_M + MARGIN_M - risen_m, left_m)
        yield from _rise(way_m)
        left_m -= way_m


def _rise(way_m: float) -> Iterator[FloatArray]:
    """A minimum-jerk motion upwards, and a rest."""
    part = np.linspace(0, 1, 1 + _periods(MINIMUM_JERK_PEAK * way_m / LIFT_M_S))
    yield from _along(2, way_m * part**3 * (10 - 15 * part + 6 * part**2))
    yield from _still()


def _shake(axis: int, amplitude: float) -> Iterator[FloatArray]:
    """SHAKES swings to and fro, as a sine that swells and fades within half a swing."""
    turns = np.linspace(0, SHAKES, 1 + _periods(SHAKES / SHAKE_HZ))
    swell = np.minimum(1, 2 * np.minimum(turns, SHAKES - turns))
    yield from _along(axis, amplitude * np.sin(2 * np.pi * turns) * swell**2 * (3 - 2 * swell))


def _along(axis: int, places: FloatArray) -> Iterator[FloatArray]:
    """The twists that lead along one axis from each of `places` (n,) to the next."""
    for speed in np.diff(places) / PERIOD_S:
        twist = np.zeros(6)
        twist[axis] = speed
        yield twist


def _still() -> Iterator[FloatArray]:
    for _ in range(_periods(REST_S)):
        yield np.zeros(6)


def _periods(seconds: float) -> int:
    return max(1, round(seconds / PERIOD_S))
