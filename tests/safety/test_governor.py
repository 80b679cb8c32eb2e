"""Whatever comes in, what goes out is finite, inside the limits, and zero when the governor does not know."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from governor_bench import FORWARD, LIMITS, MIDDLE, MS, PERIOD_NS, WEIGHT, Bench, noisy, tool_at
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.safety.governor import Governor, Received
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_modest_wish_passes_unchanged(bench: Bench) -> None:
    verdict = bench.settle(FORWARD)
    np.testing.assert_array_equal(verdict.twist, FORWARD)
    assert verdict.reasons == ()


def test_a_fast_wish_is_slowed_and_keeps_its_path(bench: Bench) -> None:
    command = np.array([3.0, -4.0, 0.0, 1.0, 0.0, 0.5])
    verdict = bench.settle(command)
    np.testing.assert_allclose(verdict.twist, command * (0.30 / 5.0))
    assert verdict.reasons == (Reason.SPEED,)


def test_speeding_up_takes_time_and_slowing_down_none(bench: Bench) -> None:
    speeds = [bench.step(FORWARD).twist[0] for _ in range(8)]
    np.testing.assert_allclose(np.diff([0.0, *speeds])[1:5], LIMITS.max_linear_m_s2 * 0.01, atol=1e-12)
    assert bench.step(0.2 * FORWARD).twist[0] == pytest.approx(0.02)
    bench.settle(FORWARD)
    assert 0.0 >= bench.step(-FORWARD).twist[0] >= -LIMITS.max_linear_m_s2 * 0.01


@pytest.mark.parametrize("takes_over", ["after a start", "after a resume", "after silence", "from another policy"])
def test_a_policy_that_takes_over_is_blended_in_from_the_motion_there_is(bench: Bench, takes_over: str) -> None:
    twist = np.zeros(6)
    if takes_over != "after a start":
        twist = bench.settle(FORWARD).twist
    if takes_over == "after a resume":
        bench.governor.stop()
        bench.settle(FORWARD)
        bench.governor.resume()
        twist = bench.step(np.zeros(6)).twist  # nothing moves before the policy was at rest
    elif takes_over == "after silence":
        bench.now_ns += 100 * MS
        bench.governor.feel(bench.now_ns, noisy(WEIGHT, bench.now_ns))
        silent = Received(FORWARD, bench.now_ns - 100 * MS)
        twist = bench.governor.step(bench.now_ns, silent, Received(tool_at(MIDDLE), bench.now_ns)).twist
    assert twist.any() == (takes_over == "from another policy")
    across = np.array([0.0, 0.2, 0.0, 0.0, 0.0, 0.0])
    for _ in range(60):
        before, twist = twist, bench.step(across).twist
        faster = np.linalg.norm(twist[:3]) - np.linalg.norm(before[:3])
        assert faster <= LIMITS.max_linear_m_s2 * 0.01 + 1e-9
    np.testing.assert_allclose(twist, across)


def test_a_silent_policy_means_zero_at_once_after_its_timeout(bench: Bench) -> None:
    bench.settle(FORWARD)
    last_ns = bench.now_ns
    for silent_ns, moves in ((35 * MS, True), (35 * MS + 1, False)):
        now_ns = last_ns + silent_ns
        bench.governor.feel(now_ns, noisy(WEIGHT, now_ns))
        verdict = bench.governor.step(now_ns, Received(FORWARD, last_ns), Received(tool_at(MIDDLE), now_ns))
        assert verdict.twist.any() == moves
        assert (Reason.POLICY_SILENT in verdict.reasons) != moves


@pytest.mark.parametrize(
    ("command", "pose", "feels", "reason"),
    [
        (None, tool_at(MIDDLE), True, Reason.POLICY_SILENT),
        (np.array([np.nan, 0, 0, 0, 0, 0]), tool_at(MIDDLE), True, Reason.POLICY_NOT_FINITE),
        (FORWARD, None, True, Reason.JOINTS_SILENT),
        (FORWARD, np.full((4, 4), np.inf), True, Reason.JOINTS_SILENT),
        (FORWARD, tool_at(MIDDLE), False, Reason.WRENCH_SILENT),
    ],
)
def test_whatever_is_missing_or_broken_means_zero(
    bench: Bench, command: FloatArray | None, pose: FloatArray | None, feels: bool, reason: Reason
) -> None:
    bench.settle(FORWARD)
    now_ns = bench.now_ns + 101 * MS
    bench.governor.feel(now_ns, noisy(WEIGHT, now_ns) if feels else np.full(6, np.nan))
    received = [None if value is None else Received(value, now_ns) for value in (command, pose)]
    verdict = bench.governor.step(now_ns, *received)
    assert not verdict.twist.any() and verdict.reasons == (reason,)


def test_nothing_moves_before_the_wrench_at_start_up_is_known() -> None:
    governor = Governor(LIMITS)
    governor.zero.note_joints(np.zeros(7), LIMITS.max_gripper_width_m)
    for k in range(LIMITS.bias_samples):
        assert not governor.step(k * MS, Received(FORWARD, k * MS), Received(tool_at(MIDDLE), k * MS)).twist.any()
        governor.feel(k * MS, noisy(WEIGHT, k * MS))
    now_ns = 110 * MS
    assert governor.step(now_ns, Received(FORWARD, now_ns), Received(tool_at(MIDDLE), now_ns)).twist.any()


def test_a_wrench_without_a_changed_bit_stops_the_arm_until_it_changes(bench: Bench) -> None:
    assert bench.settle(FORWARD).reasons == ()
    stuck = noisy(WEIGHT, bench.now_ns)
    for since_ns in range(PERIOD_NS, 300 * MS, PERIOD_NS):
        bench.now_ns += PERIOD_NS
        bench.governor.feel(bench.now_ns, stuck)
        now = Received(FORWARD, bench.now_ns), Received(tool_at(MIDDLE), bench.now_ns)
        verdict = bench.governor.step(bench.now_ns, *now)
        assert (Reason.WRENCH_STUCK in verdict.reasons) == (since_ns > LIMITS.wrench_stuck_ns)
        assert verdict.twist.any() == (since_ns <= LIMITS.wrench_stuck_ns)
    assert bench.settle(FORWARD).reasons == ()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_past_an_edge_of_the_workspace_only_the_way_back_is_free(bench: Bench, axis: int) -> None:
    outside = list(MIDDLE)
    outside[axis] = LIMITS.workspace_upper_m[axis] + 0.01
    command = np.full(6, 0.05)
    verdict = bench.settle(command, at=tuple(outside))
    assert verdict.twist[axis] == 0.0 and Reason.WORKSPACE in verdict.reasons
    assert (np.delete(verdict.twist, axis) == 0.05).all()
    np.testing.assert_allclose(bench.settle(-command, at=tuple(outside)).twist, -command)


def test_the_tool_stops_at_the_edge_and_never_behind_it(bench: Bench) -> None:
    z = 0.05
    for _ in range(500):
        z += 0.01 * bench.step(np.array([0, 0, -0.3, 0, 0, 0]), at=(0.5, 0.0, z)).twist[2]
    assert LIMITS.workspace_lower_m[2] <= z < LIMITS.workspace_lower_m[2] + 0.001


def test_a_stop_holds_until_resumed_and_keeps_the_grip(bench: Bench) -> None:
    bench.governor.grip(0.03)
    assert bench.settle(FORWARD).gripper_width_m == pytest.approx(0.03)
    bench.governor.stop()
    bench.governor.grip(0.08)
    verdict = bench.settle(FORWARD)
    assert not verdict.twist.any() and verdict.gripper_width_m == pytest.approx(0.03)
    assert verdict.reasons == (Reason.STOPPED,)
    bench.governor.resume()
    assert bench.settle(FORWARD).reasons == (Reason.NOT_RESTED,), "the end of a stop moves nothing by itself"
    bench.governor.grip(0.08)
    assert bench.step(FORWARD).gripper_width_m == pytest.approx(0.03)
    bench.step(np.zeros(6))
    bench.governor.resume()  # of no stop
    assert bench.settle(FORWARD).twist.any()


def test_a_command_of_rest_that_is_too_old_does_not_end_the_wait_for_one(bench: Bench) -> None:
    rest = Received(np.zeros(6), bench.now_ns)
    bench.governor.stop()
    bench.governor.resume()
    bench.governor.step(bench.now_ns + LIMITS.policy_timeout_ns + 1, rest, None)
    assert bench.settle(FORWARD).reasons == (Reason.NOT_RESTED,)


def test_the_gripper_is_left_alone_until_an_opening_is_wished(bench: Bench) -> None:
    bench.governor.grip(float("nan"))
    assert bench.step(FORWARD).gripper_width_m is None
    bench.governor.grip(7.0)
    assert bench.step(FORWARD).gripper_width_m == LIMITS.max_gripper_width_m


def test_a_tare_takes_the_hand_empty_and_the_arm_at_rest(bench: Bench) -> None:
    bench.settle(FORWARD)
    with pytest.raises(SensorError, match="needs the arm at rest, but it moves; stop it first"):
        bench.governor.tare()
    bench.settle(np.zeros(6))
    bench.governor.zero.note_joints(np.zeros(7), 0.04)
    with pytest.raises(SensorError, match="something may be between fingers 40 mm apart"):
        bench.governor.tare()
    assert bench.settle(FORWARD, push=39.0).twist.any(), "the zero is kept"
    bench.settle(np.zeros(6))
    bench.governor.zero.note_joints(np.zeros(7), 0.08)
    bench.governor.tare()
    assert bench.step(FORWARD).reasons == (Reason.NOT_ZEROED,)
    for _ in range(4):
        verdict = bench.settle(FORWARD, push=45.0)
    np.testing.assert_array_equal(verdict.twist, FORWARD)


any_twist = arrays(np.float64, 6, elements=st.floats())
any_pose = arrays(np.float64, (4, 4), elements=st.floats())
any_wrench = arrays(np.float64, 6, elements=st.floats())
any_time = st.integers(0, 10**9)
moment = st.tuples(any_time, any_time, any_time, any_twist, any_pose, any_wrench, st.floats(), st.booleans())


@given(st.lists(moment, max_size=12))
def test_any_input_gives_a_finite_command_inside_the_limits(moments: list[tuple]) -> None:  # type: ignore[type-arg]
    governor = Governor(Limits(bias_samples=1))
    governor.zero.note_joints(np.zeros(7), LIMITS.max_gripper_width_m)
    governor.feel(0, np.zeros(6))
    for now_ns, wish_ns, pose_ns, twist, pose, wrench, width, stop in moments:
        governor.feel(now_ns, wrench)
        governor.grip(width)
        if stop:
            governor.stop()
        verdict = governor.step(now_ns, Received(twist, wish_ns), Received(pose, pose_ns))
        assert np.isfinite(verdict.twist).all()
        assert np.linalg.norm(verdict.twist[:3]) <= LIMITS.max_linear_m_s + 1e-9
        assert np.linalg.norm(verdict.twist[3:]) <= LIMITS.max_angular_rad_s + 1e-9
        assert verdict.gripper_width_m is None or 0.0 <= verdict.gripper_width_m <= LIMITS.max_gripper_width_m
        if stop:
            assert not verdict.twist.any()


@given(st.lists(st.tuples(any_twist, st.tuples(*[st.floats(-2, 2)] * 3)), min_size=1, max_size=20))
def test_no_wish_speeds_up_the_tool_faster_than_allowed_or_out_of_the_workspace(
    steps: list[tuple[FloatArray, tuple[float, float, float]]],
) -> None:
    bench, before = Bench(), np.zeros(6)
    for command, at in steps:
        twist = bench.step(command, at=at).twist
        assert np.linalg.norm(twist[:3]) <= np.linalg.norm(before[:3]) + LIMITS.max_linear_m_s2 * 0.01 + 1e-9
        ahead = np.asarray(at) + twist[:3] * LIMITS.workspace_ahead_s
        assert (ahead >= np.minimum(LIMITS.workspace_lower_m, at) - 1e-9).all()
        assert (ahead <= np.maximum(LIMITS.workspace_upper_m, at) + 1e-9).all()
        before = twist


one_limit = st.one_of(
    st.fixed_dictionaries({name: values})
    for name, values in {
        "max_linear_m_s": st.floats(0.001, 3.0),
        "workspace_lower_m": st.sampled_from([(0.3, -0.1, 0.1), (0.3, -0.5, 0.1), LIMITS.workspace_lower_m]),
        "workspace_ahead_s": st.floats(0.001, 10.0),
        "max_force_n": st.floats(30.0, 1000.0),
        "policy_timeout_ns": st.integers(MS, 10_000 * MS),
    }.items()
)


@settings(max_examples=30, deadline=None)
@given(one_limit, st.booleans())
def test_limits_become_only_stricter_while_the_arm_moves(values: dict[str, Any], moves: bool) -> None:
    bench, limits = Bench(), Limits(**values)
    for _ in range(2):  # the first gives the time from which acceleration counts
        bench.step(FORWARD if moves else np.zeros(6))
    stricter = (
        limits.max_linear_m_s <= LIMITS.max_linear_m_s
        and all(np.greater_equal(limits.workspace_lower_m, LIMITS.workspace_lower_m))
        and limits.workspace_ahead_s >= LIMITS.workspace_ahead_s
        and limits.max_force_n <= LIMITS.max_force_n
        and limits.policy_timeout_ns <= LIMITS.policy_timeout_ns
    )
    with nullcontext() if stricter or not moves else pytest.raises(ConfigError, match="while the arm moves"):
        bench.governor.set_limits(limits)


def test_a_stricter_limit_holds_from_the_next_step_on_and_a_refused_one_never(bench: Bench) -> None:
    bench.settle(FORWARD)
    bench.governor.set_limits(replace(LIMITS, max_linear_m_s=0.02))
    assert bench.step(FORWARD).twist[0] == pytest.approx(0.02)
    with pytest.raises(ConfigError, match=r"limits.max_linear_m_s must be at most 0.02 while the arm moves, got 0.3"):
        bench.governor.set_limits(LIMITS)
    assert bench.step(FORWARD).twist[0] == pytest.approx(0.02)
    bench.governor.stop()
    bench.step(FORWARD)
    bench.governor.set_limits(LIMITS)


@pytest.mark.parametrize(
    "values",
    [
        {"max_linear_m_s": -1.0},
        {"max_force_n": float("nan")},
        {"workspace_lower_m": (0.8, 0.0, 0.0)},
        {"workspace_upper_m": (1.0, 1.0)},
        {"workspace_lower_m": (0.2, -float("inf"), 0.0)},
        {"release_force_n": 50.0},
    ],
)
def test_impossible_limits_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Limits(**values)  # type: ignore[arg-type]


def test_the_arm_must_stop_as_soon_as_the_wrench_is_too_old_and_only_where_it_moves(bench: Bench) -> None:
    bench.settle(np.zeros(6))
    late_ns = bench.now_ns + LIMITS.wrench_timeout_ns
    assert not bench.governor.must_stop(late_ns + 1)
    bench.settle(FORWARD)
    late_ns = bench.now_ns + LIMITS.wrench_timeout_ns
    assert not bench.governor.must_stop(late_ns)
    assert bench.governor.must_stop(late_ns + 1)
    verdict = bench.governor.step(late_ns + 1, Received(FORWARD, late_ns), Received(tool_at(MIDDLE), late_ns))
    assert verdict.reasons == (Reason.WRENCH_SILENT,) and not verdict.twist.any()
    assert not bench.governor.must_stop(late_ns + 2)
