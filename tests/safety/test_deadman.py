"""With a deadman the arm moves only while it is held, and after it was released not before the policy rested."""

from __future__ import annotations

import numpy as np
import pytest
from governor_bench import FORWARD, MIDDLE, MS, Bench, noisy, tool_at
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.safety.deadman import Deadman, DeadmanSettings
from autoglm_embodied.safety.governor import Governor, Received, Verdict
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray

REQUIRED = DeadmanSettings(required=True)
said = st.tuples(st.integers(0, 400), st.none() | st.booleans())  # ms since the last, and what came


@given(st.lists(said, max_size=12), st.integers(0, 400))
def test_it_is_held_while_the_last_word_says_so_and_is_fresh(words: list[tuple[int, bool | None]], ms: int) -> None:
    deadman, free, now_ms, last = Deadman(REQUIRED), Deadman(DeadmanSettings()), 0, (-1000, False)
    for after_ms, held in words:
        now_ms += after_ms
        if held is not None:
            deadman.take(now_ms * MS, held)
            free.take(now_ms * MS, held)
            last = now_ms, held
        assert deadman.released(now_ms * MS) == (not last[1] or now_ms - last[0] > 250)
    assert deadman.released((now_ms + ms) * MS) == (not last[1] or now_ms + ms - last[0] > 250)
    assert not free.released((now_ms + ms) * MS), "none is required"


def bench() -> Bench:
    made = Bench()
    made.governor = Governor(Limits(), REQUIRED)
    made.governor.zero.note_joints(np.zeros(7), 0.08)
    for number in range(200):
        made.governor.feel(0, noisy(np.array([0.0, 0, -7.2, 0, 0, 0]), number))
    return made


def held(of: Bench, twist: FloatArray, seconds: float = 0.6) -> Verdict:
    for _ in range(round(seconds * 100)):
        of.governor.deadman.take(of.now_ns, True)
        verdict = of.step(twist)
    return verdict


def test_the_arm_stands_until_it_is_held_and_at_once_when_it_is_released() -> None:
    of = bench()
    of.governor.grip(0.05)
    assert of.settle(FORWARD).reasons == (Reason.DEADMAN,)
    held(of, np.zeros(6), 0.1)
    assert np.array_equal(held(of, FORWARD).twist, FORWARD)
    of.governor.deadman.take(of.now_ns, False)
    assert of.step(FORWARD).reasons == (Reason.DEADMAN,)


def test_when_it_is_held_again_nothing_moves_before_the_policy_rested() -> None:
    of = bench()
    held(of, np.zeros(6), 0.1)
    held(of, FORWARD)
    of.settle(FORWARD)  # nothing is heard of it
    of.governor.grip(0.02)
    verdict = held(of, FORWARD)
    assert verdict.reasons == (Reason.NOT_RESTED,)
    assert verdict.gripper_width_m is None, "nor the gripper"
    held(of, np.zeros(6), 0.1)
    assert held(of, FORWARD).twist.any()


def test_a_rest_that_is_commanded_while_it_is_released_does_not_count() -> None:
    of = bench()
    of.settle(np.zeros(6))
    assert held(of, FORWARD).reasons == (Reason.NOT_RESTED,)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from([None, True, False]), st.booleans()), max_size=15))
def test_the_arm_moves_only_while_it_is_held(moments: list[tuple[int, bool | None, bool]]) -> None:
    of, last = bench(), (-(10**9), False)
    for after_ms, word, rests in moments:
        of.now_ns += after_ms * MS
        if word is not None:
            of.governor.deadman.take(of.now_ns, word)
            last = of.now_ns, word
        twist = Received(np.zeros(6) if rests else FORWARD, of.now_ns)
        of.governor.feel(of.now_ns, noisy(np.array([0.0, 0, -7.2, 0, 0, 0]), of.now_ns))
        moves = of.governor.step(of.now_ns, twist, Received(tool_at(MIDDLE), of.now_ns)).twist.any()
        assert not moves or (last[1] and of.now_ns - last[0] <= REQUIRED.timeout_ns)


def test_its_timeout_has_a_range() -> None:
    with pytest.raises(ConfigError, match=r"deadman.timeout_ns must be from 1e\+06 to 1e\+10, got 0"):
        DeadmanSettings(timeout_ns=0)
