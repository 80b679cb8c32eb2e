"""No twist takes a joint beyond its limit or speed, into a singularity, or parts of the arm into each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, forward_kinematics, joint_frames, tool_jacobian
from autoglm_embodied.safety.arm_limits import ArmLimits, segment_distances
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray

PANDA = Robot.from_file(shipped("panda.yaml"))
LIMITS = Limits()
HOME_RAD = np.array([0.0, -0.67, 0.0, -2.5, 0.0, 1.84, 0.79])
FORWARD, DOWN, YAW = (np.eye(6)[axis] * speed for axis, speed in ((0, 0.2), (2, -0.2), (5, 0.8)))
STEP_S = 0.01


def driven(twist: FloatArray, joint_rad: FloatArray, seconds: float) -> tuple[FloatArray, set[Reason]]:
    """Where an ideal servo brings the joints, and all reasons met on the way."""
    arm, why = ArmLimits(PANDA), set[Reason]()
    for _ in range(round(seconds / STEP_S)):
        bounded, reasons = arm.bound(twist, joint_rad, LIMITS)
        why |= set(reasons)
        joint_rad = joint_rad + STEP_S * np.linalg.pinv(tool_jacobian(joint_frames(PANDA, joint_rad))) @ bounded
    return joint_rad, why


def test_frames_and_jacobian_are_those_of_the_kinematics() -> None:
    frames, step = joint_frames(PANDA, HOME_RAD), 1e-6
    np.testing.assert_allclose(frames[-1], forward_kinematics(PANDA, HOME_RAD), atol=1e-12)
    for joint, column in enumerate(tool_jacobian(frames).T):
        moved = forward_kinematics(PANDA, HOME_RAD + step * np.eye(7)[joint])
        np.testing.assert_allclose(column[:3], (moved - frames[-1])[:3, 3] / step, atol=1e-5)
        turned = (moved[:3, :3] @ frames[-1][:3, :3].T - np.eye(3)) / step
        np.testing.assert_allclose(column[3:], [turned[2, 1], turned[0, 2], turned[1, 0]], atol=1e-5)


def test_an_arm_whose_file_is_still_to_be_completed_is_not_governed() -> None:
    with pytest.raises(ConfigError, match="complete its robot file"):
        ArmLimits(replace(PANDA, dh_a_m=(0.0,) * 7, dh_d_m=(0.0,) * 7))


def test_free_motion_passes_unchanged() -> None:
    for twist in (FORWARD, DOWN, YAW, np.zeros(6)):
        bounded, reasons = ArmLimits(PANDA).bound(twist, HOME_RAD, LIMITS)
        assert reasons == [] and np.array_equal(bounded, twist)


def test_a_joint_stops_before_its_limit_and_may_turn_back() -> None:
    ended, why = driven(YAW, HOME_RAD, 6.0)
    assert why == {Reason.JOINT_LIMIT}
    assert ended[6] == pytest.approx(PANDA.joint_lower_rad[6] + LIMITS.joint_margin_rad, abs=0.01)
    assert ArmLimits(PANDA).bound(-YAW, ended, LIMITS)[1] == []


def test_no_joint_passes_its_limit_while_a_servo_stops_turning_sooner_than_moving() -> None:
    arm, room_rad = ArmLimits(PANDA), 0.005
    near = np.array([PANDA.joint_upper_rad[0] - room_rad, *HOME_RAD[1:]])
    jacobian = tool_jacobian(joint_frames(PANDA, near))
    moving = np.concatenate([jacobian[:3, 0], np.zeros(3)])  # as joint 0 does, towards its limit
    turning = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    rates = [(np.linalg.pinv(jacobian) @ part)[0] for part in (moving, turning)]
    twist = moving - rates[0] / rates[1] * turning  # together they leave joint 0 where it is
    bounded, reasons = arm.bound(twist, near, LIMITS)
    assert reasons == [Reason.JOINT_LIMIT]
    np.testing.assert_allclose(bounded, twist * room_rad / LIMITS.joint_ahead_s / rates[0], rtol=0.01)
    at_limit = np.array([PANDA.joint_upper_rad[0], *HOME_RAD[1:]])
    back, _ = arm.bound(-np.linalg.norm(twist) * jacobian[:, 0], at_limit, LIMITS)
    assert np.linalg.norm(back) > 0.0


def test_beyond_a_limit_only_the_way_back_is_free() -> None:
    beyond = np.array([*HOME_RAD[:6], PANDA.joint_lower_rad[6] - 0.01])
    assert not ArmLimits(PANDA).bound(YAW, beyond, LIMITS)[0].any()
    assert np.array_equal(ArmLimits(PANDA).bound(-YAW, beyond, LIMITS)[0], -YAW)


def test_no_joint_turns_faster_than_it_may() -> None:
    fast = 10 * YAW
    bounded, reasons = ArmLimits(PANDA).bound(fast, HOME_RAD, LIMITS)
    joint_rad_s = np.linalg.pinv(tool_jacobian(joint_frames(PANDA, HOME_RAD))) @ bounded
    assert Reason.JOINT_SPEED in reasons
    assert (np.abs(joint_rad_s) / PANDA.joint_velocity_rad_s).max() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(bounded / np.linalg.norm(bounded), fast / np.linalg.norm(fast))


def test_a_stretched_arm_is_stopped_before_it_is_singular() -> None:
    ended, why = driven(FORWARD, HOME_RAD, 6.0)
    assert Reason.SINGULARITY in why
    assert np.linalg.cond(tool_jacobian(joint_frames(PANDA, ended))) < 1.01 * LIMITS.singularity_stop
    back, _ = ArmLimits(PANDA).bound(-FORWARD / 4, ended, LIMITS)
    assert np.linalg.norm(back) > 0.98 * np.linalg.norm(FORWARD / 4)


def test_the_way_out_of_a_deep_singularity_is_slow_and_never_closed() -> None:
    stretched = np.array([0.0, 0.2, 0.0, -0.5, 0.0, 0.1, 0.79])
    condition = np.linalg.cond(tool_jacobian(joint_frames(PANDA, stretched)))
    assert condition > 2 * LIMITS.singularity_stop
    out, why = ArmLimits(PANDA).bound(-0.1 * FORWARD, stretched, LIMITS)
    assert why == [Reason.SINGULARITY]
    np.testing.assert_allclose(out, -0.1 * FORWARD * LIMITS.singularity_stop / condition)


def test_a_tilted_hand_stops_above_the_table_where_the_fingers_may_touch_it() -> None:
    upright, why = driven(DOWN, HOME_RAD, (forward_kinematics(PANDA, HOME_RAD)[2, 3] - 0.01) / 0.2)
    assert Reason.COLLISION not in why and forward_kinematics(PANDA, upright)[2, 3] < 0.02
    tilted, _ = driven(np.array([0.0, 0.0, 0.0, 0.0, 0.8, 0.0]), HOME_RAD, 1.2)
    ended, why = driven(DOWN, tilted, 4.0)
    assert Reason.COLLISION in why
    assert ArmLimits(PANDA).clearances_m(ended, LIMITS.table_m).min() == pytest.approx(LIMITS.clearance_m, abs=0.003)
    assert ArmLimits(PANDA).bound(-DOWN, ended, LIMITS)[1] == []


def test_a_hand_on_its_way_to_the_base_stops_before_it() -> None:
    ended, why = driven(-FORWARD, HOME_RAD, 6.0)
    assert why & {Reason.COLLISION, Reason.JOINT_LIMIT, Reason.SINGULARITY}
    assert ArmLimits(PANDA).clearances_m(ended, LIMITS.table_m).min() > 0


def test_a_robot_without_capsules_is_not_checked_for_collisions() -> None:
    bare = replace(PANDA, capsule_links=(), capsules_m=(), joint_velocity_rad_s=())
    low = replace(LIMITS, table_m=5.0)
    assert Reason.COLLISION in ArmLimits(PANDA).bound(DOWN, HOME_RAD, low)[1]
    assert ArmLimits(bare).bound(DOWN, HOME_RAD, low)[1] == []


@settings(max_examples=60)
@given(arrays(np.float64, (4, 3), elements=st.floats(-1, 1).map(lambda value: round(value, 2))))
def test_the_distance_of_segments_is_that_of_their_nearest_points(ends: FloatArray) -> None:
    shares = np.linspace(0, 1, 101)[:, None]
    first, second = (end + shares * (other - end) for end, other in (ends[:2], ends[2:]))
    sampled = np.linalg.norm(first[:, None] - second[None], axis=2).min()
    exact = segment_distances(ends[None, :2], ends[None, 2:])[0]
    assert exact <= sampled + 1e-9 and sampled - exact < 0.03


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("joint_velocity_rad_s", (1.0, 2.0), "must hold 7 numbers above 0"),
        ("joint_velocity_rad_s", (1.0,) * 6 + (0.0,), "must hold 7 numbers above 0"),
        ("capsules_m", (0.0,) * 7, "two ends and a radius above 0"),
        ("capsule_links", (9,) * 17, "from 0, the base, to 8, the tool"),
    ],
)
def test_wrong_bounds_in_a_robot_file_are_named(field: str, value: tuple[float, ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        replace(PANDA, **{field: value})
