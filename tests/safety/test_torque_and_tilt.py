"""Torque is limited as force is, and slows the arm first; a tool tilts only so far; first motions are slow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from governor_bench import FORWARD, LIMITS, MIDDLE, MS, PERIOD_NS, WEIGHT, Bench, noisy, tool_at
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.safety.governor import Received, Verdict
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.safety.tilt import tilt_rad
from autoglm_embodied.types import FloatArray


def turned(bench: Bench, twist: FloatArray, torque_n_m: float, count: int = 60) -> Verdict:
    """The last of some verdicts while a torque is felt."""
    for _ in range(count):
        bench.now_ns += PERIOD_NS
        bench.governor.feel(bench.now_ns, noisy(WEIGHT + [0, 0, 0, torque_n_m, 0, 0], bench.now_ns))
        pose = Received(tool_at(MIDDLE), bench.now_ns)
        verdict = bench.governor.step(bench.now_ns, Received(twist, bench.now_ns), pose)
    return verdict


def test_torque_slows_the_arm_then_sends_it_back_and_is_free_again_below_its_release() -> None:
    bench = Bench()
    assert turned(bench, FORWARD, 7.9).reasons == ()
    slow = turned(bench, FORWARD, -9.0)
    np.testing.assert_allclose(slow.twist, FORWARD / 2, rtol=1e-6)
    assert slow.reasons == (Reason.TORQUE,)
    assert turned(bench, FORWARD, 10.1, count=1).twist[0] < 0, "back the way it came"
    assert turned(bench, FORWARD, 8.5).reasons == (Reason.TORQUE,), "hysteresis"
    assert not turned(bench, FORWARD, 8.5).twist.any()
    turned(bench, np.zeros(6), 7.9)
    np.testing.assert_array_equal(turned(bench, FORWARD, 7.9).twist, FORWARD)


def test_a_torque_above_the_limit_is_told_at_once_and_one_that_is_no_number_is_no_wrench() -> None:
    bench = Bench()
    assert bench.governor.feel(MS, WEIGHT + [0, 0, 0, 0, 11, 0])
    bench = Bench()
    bench.settle(FORWARD)
    for _ in range(3):
        bench.now_ns += PERIOD_NS
        bench.governor.feel(bench.now_ns, np.array([0, 0, 0, 0, np.nan, 0]))
    now_ns = bench.now_ns
    verdict = bench.governor.step(now_ns, Received(FORWARD, now_ns), Received(tool_at(MIDDLE), now_ns))
    assert verdict.reasons == (Reason.WRENCH_SILENT,)


def test_the_torque_of_the_empty_hand_is_zeroed() -> None:
    bench = Bench()
    bench.settle(np.zeros(6))
    bench.governor.tare()
    carried = np.array([0, 0, 0, 0, 6.0, 0])
    for number in range(LIMITS.bias_samples):
        bench.governor.feel(bench.now_ns, noisy(WEIGHT + carried, number))
    assert not bench.governor.feel(bench.now_ns, WEIGHT + carried + [0, 0, 0, 0, 9.9, 0])
    assert bench.governor.feel(bench.now_ns, WEIGHT + carried + [0, 0, 0, 0, 10.1, 0])


def tilted(rad: float) -> FloatArray:
    """A tool in the middle, turned about y from pointing straight down."""
    pose = tool_at(MIDDLE)
    pose[:3, :3] = [[np.cos(rad), 0, -np.sin(rad)], [0, -1, 0], [-np.sin(rad), 0, -np.cos(rad)]]
    return pose


@settings(max_examples=30)
@given(st.floats(-1.5, 1.5), arrays(np.float64, 6, elements=st.floats(-1, 1)), st.floats(0.1, 1.2))
def test_the_tool_comes_no_farther_than_its_tilt_and_the_way_back_is_free(
    start_rad: float, twist: FloatArray, limit_rad: float
) -> None:
    bench = Bench()
    bench.governor.set_limits(replace(LIMITS, max_tilt_rad=limit_rad, workspace_ahead_s=0.001))
    pose = tilted(start_rad)
    before = tilt_rad(pose[:3, 2])
    assert before == pytest.approx(abs(start_rad))
    for _ in range(80):
        bench.now_ns += PERIOD_NS
        bench.governor.feel(bench.now_ns, noisy(WEIGHT, bench.now_ns))
        at = Received(pose, bench.now_ns)
        verdict = bench.governor.step(bench.now_ns, Received(twist, bench.now_ns), at)
        turn = verdict.twist[3:] * PERIOD_NS / 1e9
        pose = pose.copy()
        pose[:3, 2] += np.cross(turn, pose[:3, 2])
        pose[:3, 2] /= np.linalg.norm(pose[:3, 2])
        assert tilt_rad(pose[:3, 2]) <= max(before, limit_rad) + 2e-3
        assert (Reason.TILT in verdict.reasons) <= (limit_rad < np.pi)


def test_a_turn_back_from_beyond_the_tilt_is_free_and_one_that_leads_farther_stops() -> None:
    bench = Bench()
    bench.governor.set_limits(replace(LIMITS, max_tilt_rad=0.2))
    back = np.array([0, 0, 0, 0, -0.5, 0])
    for twist, moves in ((back, True), (-back, False)):
        for _ in range(60):
            bench.now_ns += PERIOD_NS
            bench.governor.feel(bench.now_ns, noisy(WEIGHT, bench.now_ns))
            at = Received(tilted(0.3), bench.now_ns)
            verdict = bench.governor.step(bench.now_ns, Received(twist, bench.now_ns), at)
        assert np.array_equal(verdict.twist, twist) == moves
        assert (Reason.TILT in verdict.reasons) != moves


def test_a_first_motion_has_a_tenth_of_the_speed_and_keeps_its_direction() -> None:
    bench = Bench()
    bench.governor.set_limits(replace(LIMITS, speed_share=0.1))
    verdict = bench.settle(np.array([3.0, -4.0, 0, 0, 0, 0]))
    np.testing.assert_allclose(verdict.twist[:3], np.array([3.0, -4.0, 0]) * 0.03 / 5)
    assert verdict.reasons == (Reason.SPEED,)
    assert bench.settle(np.array([0, 0, 0, 0, 0, 1.0])).twist[5] == pytest.approx(0.1)
    with pytest.raises(ConfigError, match="speed_share must be at most 0.1 while the arm moves"):
        bench.governor.set_limits(LIMITS)


@pytest.mark.parametrize("values", [{"release_torque_n_m": 11.0}, {"max_tilt_rad": 3.2}, {"speed_share": 0.0}])
def test_impossible_limits_of_these_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Limits(**values)  # type: ignore[arg-type]
