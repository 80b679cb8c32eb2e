"""Two that command at once: the slowest counts, whenever the governor looks."""

from __future__ import annotations

import numpy as np
import pytest
from governor_bench import FORWARD, LIMITS, MS, PERIOD_NS, WEIGHT, noisy

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.safety.governor import AT_ONCE_NS, Governor, GovernorLoop, Verdict
from autoglm_embodied.safety.limits import Reason
from autoglm_embodied.types import FloatArray

ROBOT = Robot.from_file(shipped("panda.yaml"))
READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785])
WILD = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0])
SIDEWAYS = np.array([0.0, 0.1, 0.0, 0.0, 0.0, 0.0])


class Loop:
    """A governor's loop with healthy sensors, which steps where it is told to; its clock is an argument."""

    def __init__(self) -> None:
        self.loop = GovernorLoop(Governor(LIMITS), ROBOT)
        for _ in range(LIMITS.bias_samples):
            self.loop.push_joints(0, READY_RAD)
            self.loop.push_wrench(0, WEIGHT)
        self.loop.governor.zero.note_joints(np.zeros(7), LIMITS.max_gripper_width_m)
        for _ in range(LIMITS.bias_samples):
            self.loop.push_wrench(0, WEIGHT)

    def step(self, now_ns: int, *commands: FloatArray) -> Verdict:
        """A verdict on what was received at `now_ns`, as the node polls it."""
        self.loop.push_joints(now_ns, READY_RAD)
        self.loop.push_wrench(now_ns, noisy(WEIGHT, now_ns))
        for command in commands:
            self.loop.push_twist(now_ns, command)
        return self.loop.step(now_ns)


def published(now_ns: int, gap_ns: int) -> list[FloatArray]:
    """What a policy published in the period until `now_ns`: in each of its ticks a wild command, then its own."""
    tick_ns = now_ns // PERIOD_NS * PERIOD_NS
    sent = [(at_ns, twist) for at_ns, twist in ((tick_ns, WILD), (tick_ns + gap_ns, SIDEWAYS)) if at_ns <= now_ns]
    before = [(tick_ns - PERIOD_NS + gap_ns, SIDEWAYS)]
    return [twist for at_ns, twist in (*before, *sent) if at_ns > now_ns - PERIOD_NS]


@pytest.mark.parametrize("gap_ns", [MS // 100, MS, 4 * MS])
@pytest.mark.parametrize("phase_ns", [0, MS // 200, MS, 3 * MS, 9 * MS])
def test_a_wild_command_in_the_tick_of_another_moves_nothing_wherever_the_governor_looks(
    gap_ns: int, phase_ns: int
) -> None:
    loop = Loop()
    times_ns = range(PERIOD_NS + phase_ns, 60 * PERIOD_NS, PERIOD_NS)
    twists = np.array([loop.step(now_ns, *published(now_ns, gap_ns)).twist for now_ns in times_ns])
    assert not twists[:, 2].any()
    np.testing.assert_allclose(twists[20:], np.tile(SIDEWAYS, (len(twists) - 20, 1)), atol=1e-12)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_commands_at_once_the_slowest_counts_whichever_came_first(order: int) -> None:
    loop = Loop()
    for number in range(1, 40):
        verdict = loop.step(number * PERIOD_NS, *(2.0 * FORWARD, 0.5 * SIDEWAYS)[::order])
    np.testing.assert_allclose(verdict.twist, 0.5 * SIDEWAYS)


def test_a_command_counts_alone_once_the_one_before_is_older_and_at_once_where_it_is_slower() -> None:
    loop = Loop()
    for number in range(1, 40):
        loop.step(number * PERIOD_NS, 0.5 * FORWARD)
    now_ns = 39 * PERIOD_NS
    assert loop.step(now_ns + AT_ONCE_NS, FORWARD).twist[0] == pytest.approx(0.05)
    assert loop.step(now_ns + AT_ONCE_NS + 1, FORWARD).twist[0] > 0.05
    assert not loop.step(now_ns + AT_ONCE_NS + 2, 0.0 * FORWARD).twist.any()


def test_no_number_among_commands_at_once_stops_the_arm_for_as_long() -> None:
    loop = Loop()
    for number in range(1, 40):
        loop.step(number * PERIOD_NS, FORWARD)
    now_ns = 40 * PERIOD_NS
    verdict = loop.step(now_ns, np.full(6, np.nan), FORWARD)
    assert verdict.reasons == (Reason.POLICY_NOT_FINITE,) and not verdict.twist.any()
    assert loop.step(now_ns + AT_ONCE_NS, FORWARD).reasons == (Reason.POLICY_NOT_FINITE,)
    assert loop.step(now_ns + AT_ONCE_NS + 1, FORWARD).twist[0] > 0.0
