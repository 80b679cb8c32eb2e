"""Between ticks the command stands, and what hangs falls silent: on a clock of the test's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.policy.command_repeater import LIMIT_NS, CommandRepeater
from autoglm_embodied.safety.governor import Governor, Received
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import Command

MS = 1_000_000
TICK_NS, REPEAT_NS = 33 * MS, 10 * MS
MOVE = Command(np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0]), 0.05)


def sent_until(end_ns: int, ticks: list[tuple[int, int]]) -> list[tuple[int, Command | None]]:
    """What is sent, and when, where each tick begins at one time and commands MOVE at another."""
    sent: list[tuple[int, Command | None]] = []
    now_ns = 0
    repeater = CommandRepeater(lambda command: sent.append((now_ns, command)), LIMIT_NS)
    commanded = {at_ns: began_ns for began_ns, at_ns in ticks}
    for now_ns in sorted({*commanded, *range(0, end_ns, REPEAT_NS)}):
        if now_ns in commanded:
            repeater.take(MOVE, commanded[now_ns], now_ns)
        else:
            repeater.repeat(now_ns)
    return sent


def test_between_punctual_ticks_the_command_comes_at_100_hz_and_is_the_same() -> None:
    ticks = [(begin_ns, begin_ns + 20 * MS) for begin_ns in range(0, 990 * MS, TICK_NS)]
    sent = sent_until(1000 * MS, ticks)
    assert all(command is MOVE for _, command in sent) and len(sent) >= 100
    assert max(after - before for (before, _), (after, _) in pairwise(sent)) <= REPEAT_NS


@pytest.mark.parametrize("tick_ms", [1, 8, 30])
def test_a_policy_that_hangs_rests_once_and_is_silent_whoever_repeats(tick_ms: int) -> None:
    sent = sent_until(3000 * MS, [(0, tick_ms * MS), (TICK_NS, 2500 * MS + 1)])  # the second hangs
    (moved_ns, move), (rested_ns, rest), *later = sent[-3:]
    assert (move, rest) == (MOVE, None) and moved_ns <= LIMIT_NS < rested_ns <= LIMIT_NS + REPEAT_NS
    assert [command for _, command in later] == [None]  # what was decided long ago is not carried out
    assert [command for _, command in sent].count(None) == 2


def test_nothing_is_sent_before_the_first_tick() -> None:
    assert sent_until(200 * MS, []) == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200)), max_size=12))
def test_no_command_is_older_than_the_limit_however_the_ticks_come(gaps_ms: list[tuple[int, int]]) -> None:
    ticks, now_ns = [], 1
    for wait_ms, tick_ms in gaps_ms:
        began_ns = now_ns + wait_ms * MS
        now_ns = began_ns + tick_ms * MS + 1
        ticks.append((began_ns, now_ns))
    for sent_ns, command in sent_until(now_ns + 300 * MS, ticks):
        began_ns = max(began for began, at in ticks if at <= sent_ns)
        assert (command is MOVE) == (sent_ns - began_ns <= LIMIT_NS)


def test_the_shipped_governor_stops_within_50_ms_of_the_last_command_and_never_between_two() -> None:
    """The arm is at rest 35 ms after a policy fell silent, and one output of the governor later at the latest."""
    governor, pose = Governor(Limits(wrench_timeout_ns=10_000 * MS)), np.eye(4)
    pose[:3, 3] = 0.5, 0.0, 0.3
    for _ in range(100):
        governor.zero.note_joints(np.zeros(7), 0.08)
        governor.feel(0, np.zeros(6))
    sent = [at_ns for at_ns, _ in sent_until(400 * MS, [(n * TICK_NS, n * TICK_NS + 9 * MS) for n in range(12)])]
    stood_ns: list[int] = []
    for now_ns in range(0, 600 * MS, 10 * MS + 7):  # beats against the commands
        newest_ns = max((at_ns for at_ns in sent if at_ns <= now_ns), default=0)
        verdict = governor.step(now_ns, Received(MOVE.twist, newest_ns), Received(pose, now_ns))
        stood_ns += [now_ns] if Reason.POLICY_SILENT in verdict.reasons else []
    assert sent[-1] < stood_ns[0] <= sent[-1] + 50 * MS
