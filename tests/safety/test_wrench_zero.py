"""The wrench is zeroed with an empty hand at rest and in no other case; else one sentence says what it takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.safety.governor import Governor, GovernorLoop
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.safety.wrench_zero import G_M_S2, HAND_N, REST_RAD, STEADY_N, WrenchZero

SAMPLES = 20
WEIGHT = np.array([0.3, -0.4, -7.2, 0.1, -0.2, 0.3])
REST = np.zeros(6)
OPEN_M = 0.08


def zero(hand_mass_kg: float = 0.0) -> WrenchZero:
    return WrenchZero(SAMPLES, 0.006, 0.074, hand_mass_kg)


def measured(of: WrenchZero, width_m: float | None = OPEN_M, load_n: float = 0.0, noise_n: float = 0.05) -> WrenchZero:
    """After more than enough forces at rest."""
    rng = np.random.default_rng(0)
    of.note_joints(REST, width_m)
    for _ in range(2 * SAMPLES):
        of.add(WEIGHT - [0.0, 0.0, load_n, 0.0, 0.0, 0.0] + rng.normal(0.0, noise_n, 6))
    return of


@pytest.mark.parametrize("width_m", [0.0, 0.006, 0.074, 0.08])
def test_fingers_that_touch_or_are_wide_open_hold_nothing(width_m: float) -> None:
    bias = measured(zero(), width_m).bias
    assert bias is not None
    np.testing.assert_allclose(bias, WEIGHT, atol=0.05)


@given(st.floats(0.0061, 0.0739) | st.just(float("nan")), st.floats(0.0, 50.0))
def test_a_start_with_something_between_the_fingers_never_zeroes(width_m: float, load_n: float) -> None:
    loaded = measured(zero(), width_m, load_n)
    assert loaded.bias is None
    assert "an empty hand, but something may be between fingers" in loaded.reason
    assert measured(loaded).bias is not None, "until it is open"


def test_a_hand_without_fingers_is_known_by_its_weight() -> None:
    carried_n = float(np.linalg.norm(WEIGHT[:3]))
    unknown = measured(zero(), None)
    assert unknown.bias is None and "set limits.hand_mass_kg" in unknown.reason
    known = measured(zero(carried_n / G_M_S2), None)
    assert known.bias is not None
    loaded = measured(zero(carried_n / G_M_S2), 0.04, load_n=HAND_N + 0.2)
    assert loaded.bias is None
    assert loaded.reason.endswith("the wrist carries 7.9 N, and limits.hand_mass_kg weighs 7.2 N; empty it")


def test_nothing_is_zeroed_before_the_joints_are_known() -> None:
    unknown = zero()
    for _ in range(SAMPLES):
        unknown.add(WEIGHT)
    assert unknown.bias is None and "joint states, but none came yet" in unknown.reason


def test_a_force_that_is_not_steady_is_no_zero() -> None:
    shaken = measured(zero(), noise_n=2.0 * STEADY_N)
    assert shaken.bias is None and "a steady force, but it varies by" in shaken.reason


def test_an_arm_that_creeps_or_a_hand_that_closes_begins_anew() -> None:
    moving = zero()
    for step in range(4 * SAMPLES):
        moving.note_joints(REST + 0.2 * step * REST_RAD, OPEN_M)
        moving.add(WEIGHT)
    assert moving.bias is None and moving.reason.endswith("the arm at rest, but it moves")
    closing = zero()
    for step in range(4 * SAMPLES):
        closing.note_joints(REST, OPEN_M if step % 10 else 0.05)
        closing.add(WEIGHT)
    assert closing.bias is None


@pytest.mark.parametrize(("finger_m", "zeroed"), [([0.04, 0.04], True), ([0.02, 0.02], False), ([], False)])
def test_the_fingers_behind_the_arms_joints_tell_the_width(finger_m: list[float], zeroed: bool) -> None:
    robot = Robot.from_file(shipped("panda.yaml"))
    loop = GovernorLoop(Governor(Limits(bias_samples=SAMPLES)), robot)
    loop.push_joints(0, np.array([*np.zeros(robot.joints), *finger_m]))
    for _ in range(SAMPLES):
        loop.push_wrench(0, np.array([*WEIGHT, 0.0, 0.0, 0.0]))
    assert (loop.governor.zero.bias is not None) == zeroed
