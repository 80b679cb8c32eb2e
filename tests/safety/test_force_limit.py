"""Above the force limit the arm is halted, backs off, and goes back only; a push at rest moves nothing."""

from __future__ import annotations

import numpy as np
import pytest
from governor_bench import FORWARD, LIMITS, MS, PERIOD_NS, WEIGHT, Bench

from autoglm_embodied.safety.limits import Reason
from autoglm_embodied.types import FloatArray


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_pressed_too_hard_only_the_way_back_or_up_is_allowed_until_rest_without_the_force(bench: Bench) -> None:
    down, up = np.array([0.1, 0, -0.1, 0, 0, 0.1]), np.array([0.1, 0, 0.1, 0, 0, 0.1])
    assert bench.settle(down, push=39.0).twist[2] < 0
    assert not bench.settle(down, push=-41.0).twist.any()
    assert not bench.settle(down, push=31.0).twist.any()  # still above the release force
    np.testing.assert_allclose(bench.settle(-down, push=31.0).twist, [-0.1, 0, 0.1, 0, 0, 0])
    np.testing.assert_allclose(bench.settle(up, push=31.0).twist, [0, 0, 0.1, 0, 0, 0], atol=1e-12)
    assert not bench.settle(down, push=29.0).twist.any()  # it would meet the same again
    bench.settle(np.zeros(6), push=29.0)
    np.testing.assert_array_equal(bench.settle(down, push=29.0).twist, down)


def test_pressed_too_hard_from_below_up_is_not_allowed(bench: Bench) -> None:
    up = np.array([0, 0, 0.1, 0, 0, 0])
    bench.settle(up)
    assert not bench.settle(up, push=41.0).twist.any()
    np.testing.assert_allclose(bench.settle(-up, push=41.0).twist, -up)


@pytest.mark.parametrize("came", [FORWARD, -FORWARD, np.array([0, 0.05, -0.1, 0, 0, 0])])
def test_pressed_too_hard_the_tool_backs_off_at_once_and_a_little(bench: Bench, came: FloatArray) -> None:
    bench.settle(came)
    moved_m = np.zeros(3)
    for step in range(100):
        twist = bench.step(came, push=50.0).twist
        assert step > 0 or twist[:3] @ came[:3] < 0
        moved_m += twist[:3] * PERIOD_NS / 1e9
    np.testing.assert_allclose(moved_m, -LIMITS.back_off_m * came[:3] / np.linalg.norm(came[:3]), atol=3e-4)


def test_a_push_at_rest_moves_nothing_and_is_told(bench: Bench) -> None:
    bench.settle(np.zeros(6))
    pushed = bench.settle(np.zeros(6), push=50.0)
    assert not pushed.twist.any() and pushed.reasons == (Reason.FORCE,)


def test_passing_the_force_limit_is_told_once() -> None:
    bench = Bench()
    told = [bench.governor.feel(MS, WEIGHT + [push, 0, 0, 0, 0, 0]) for push in (0, 41, 60, 35, 29, 41)]
    assert told == [False, True, False, False, False, True]


def test_a_halt_is_zero_says_why_keeps_the_grip_and_the_tool_backs_off_from_there(bench: Bench) -> None:
    bench.governor.grip(0.03)
    bench.settle(FORWARD)
    assert bench.governor.feel(bench.now_ns, WEIGHT + [50, 0, 0, 0, 0, 0])
    halted = bench.governor.halt()
    assert not halted.twist.any() and halted.reasons == (Reason.FORCE,)
    assert halted.gripper_width_m == pytest.approx(0.03)
    assert bench.step(FORWARD, push=50.0).twist[:3] @ FORWARD[:3] < 0
