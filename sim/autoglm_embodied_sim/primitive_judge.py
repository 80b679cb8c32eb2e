"""Says whether the named thing is held: lifts it if need be, shakes it sideways and about the vertical, and looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.panda import ArmRig

RAISED_M = 0.15
ALLOWED_SLIP = 0.9  # of that height, after the shake
LIFT_SPEED_M_S = 0.1
PERIOD_STEPS = 10
REST_S = 0.2
SHAKE_M, SHAKE_RAD, SHAKE_HZ, SHAKES = 0.03, 0.35, 1.25, 2


@dataclass(frozen=True)
class Verdict:
    """What was in the hand after lift and shake."""

    held: bool  # the named thing, and no other
    held_things: tuple[int, ...]
    raised_m: tuple[float, ...]  # per thing, above where it lay after the reset


def judge(rig: ArmRig, index: int) -> Verdict:
    """Test the grasp of the thing with this index, from wherever the policy left the arm."""
    for twist in trial(rig):
        rig.command(twist, rig.gripper_command_m)
        rig.step(PERIOD_STEPS)
    return verdict(rig, index)


def trial(rig: ArmRig) -> Iterator[FloatArray]:
    """Twists (6,) of the test, one each PERIOD_STEPS ms: lift what is in the hand to RAISED_M, then shake."""
    return lift_and_shake(lambda: _lacking_m(rig))


def lift_and_shake(lacking_m: Callable[[], float]) -> Iterator[FloatArray]:
    """Twists (6,) of the test, one each PERIOD_STEPS ms: rise by what is lacking once the hand is still, then shake."""
    yield from _still()
    yield from _lift(lacking_m())
    yield from _still()
    for axis, amplitude in ((1, SHAKE_M), (5, SHAKE_RAD)):
        yield from _shake(axis, amplitude)
        yield from _still()


def verdict(rig: ArmRig, index: int) -> Verdict:
    """What the hand holds now, seen as an answer to whether it holds the thing with this index."""
    held = held_things(rig)
    raised = rig.truth().position_m[:, 2] - rig.rest_height_m
    return Verdict(held=held == (index,), held_things=held, raised_m=tuple(float(height) for height in raised))


def held_things(rig: ArmRig) -> tuple[int, ...]:
    """Indices of the things in the hand, high above where they lay, that touch nothing else."""
    truth = rig.truth()
    raised = truth.position_m[:, 2] - rig.rest_height_m
    return tuple(thing for thing, held in enumerate(truth.held) if held and raised[thing] > ALLOWED_SLIP * RAISED_M)


def _still() -> Iterator[FloatArray]:
    for _ in range(_periods(REST_S)):
        yield np.zeros(6)


def _lacking_m(rig: ArmRig) -> float:
    """How much higher the highest thing in the hand must go; RAISED_M if there is none."""
    truth = rig.truth()
    raised = truth.position_m[:, 2] - rig.rest_height_m
    highest = max((raised[thing] for thing, grip in enumerate(truth.gripped) if grip), default=0.0)
    return float(RAISED_M + 0.005 - highest)


def _lift(height_m: float) -> Iterator[FloatArray]:
    for _ in range(_periods(height_m / LIFT_SPEED_M_S)):
        yield np.array([0, 0, LIFT_SPEED_M_S, 0, 0, 0])


def _shake(axis: int, amplitude: float) -> Iterator[FloatArray]:
    rate = 2 * np.pi * SHAKE_HZ
    for period in range(_periods(SHAKES / SHAKE_HZ)):
        twist = np.zeros(6)
        twist[axis] = amplitude * rate * np.cos(rate * period * PERIOD_STEPS / 1000)
        yield twist


def _periods(seconds: float) -> int:
    return max(0, round(seconds * 1000 / PERIOD_STEPS))
