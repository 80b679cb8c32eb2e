from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.policies.primitive_expert import (
    CLOSED_M,
    OPEN_M,
    ExpertState,
    expert_action,
    expert_chunk,
)
from sim_cases import laid_scene

from autoglm_embodied.types import Phase

ABOVE = ExpertState(
    tool_m=np.array([0.5, 0.0, 0.1]),
    tool_yaw_rad=0.0,
    target_m=np.array([0.5, 0.0, 0.02]),
    target_height_m=0.04,
    width_m=0.08,
    width_velocity_m_s=0.0,
    held=False,
)
AT_GRASP = replace(ABOVE, tool_m=np.array([0.502, 0.001, 0.021]))


@pytest.mark.parametrize("seed", range(6))
def test_expert_grasps_and_holds_the_named_object(seed: int) -> None:
    on_table, named = laid_scene(seed), seed % 3
    arm = on_table.arm
    rest_m = arm.truth.position_m(arm.data)[:, 2]
    on_table.grasp(named, seconds=10.0, until=Phase.HOLD)
    assert expert_action(on_table.expert(named))[2] is Phase.HOLD
    assert judge(arm, rest_m).success(named)


@pytest.mark.parametrize(
    ("state", "phase", "width_m"),
    [
        (replace(ABOVE, tool_m=np.array([0.4, 0.1, 0.3])), Phase.REACH, OPEN_M),
        (ABOVE, Phase.DESCEND, OPEN_M),
        (AT_GRASP, Phase.CLOSE, CLOSED_M),
        (replace(AT_GRASP, width_m=0.06, width_velocity_m_s=-0.1), Phase.CLOSE, CLOSED_M),
        (replace(AT_GRASP, width_m=0.04, width_velocity_m_s=-0.05, held=True), Phase.CLOSE, CLOSED_M),
        (replace(AT_GRASP, width_m=0.04, held=True), Phase.LIFT, CLOSED_M),
        (replace(AT_GRASP, tool_m=np.array([0.5, 0, 0.21]), width_m=0.04, held=True), Phase.HOLD, CLOSED_M),
        (replace(AT_GRASP, width_m=0.0), Phase.REACH, CLOSED_M),
        (replace(ABOVE, tool_m=np.array([0.5, 0, 0.14]), width_m=0.0), Phase.DESCEND, OPEN_M),
    ],
)
def test_expert_does_what_its_state_calls_for(state: ExpertState, phase: Phase, width_m: float) -> None:
    _, width, chosen = expert_action(state)
    assert (chosen, width) == (phase, width_m)


def test_after_closing_on_nothing_it_rises_straight_up() -> None:
    twist, _, _ = expert_action(replace(AT_GRASP, width_m=0.0))
    assert twist[2] > 0.05
    np.testing.assert_array_equal(twist[:2], 0)


def test_chunk_begins_with_the_action_and_rolls_on_to_the_hold() -> None:
    twists, widths, phase = expert_chunk(ABOVE, steps=120, dt_s=1 / 30)
    twist, width, first = expert_action(ABOVE)
    assert phase is first is Phase.DESCEND
    np.testing.assert_array_equal(twists[0], twist)
    assert widths[0] == width
    assert widths[-1] == CLOSED_M
    height_m = ABOVE.tool_m[2] + twists[:, 2].sum() / 30
    assert height_m == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(twists[-1], 0)
