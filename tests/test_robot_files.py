"""The shipped arms: at home and all over the table they are clear of themselves, their limits and singularities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.config import read_yaml, shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, forward_kinematics, joint_frames, tool_jacobian
from autoglm_embodied.safety.arm_limits import DAMPING, ArmLimits
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray

GENERIC = shipped("robots/generic.yaml")
FILES = ("panda.yaml", *(f"robots/{file.name}" for file in sorted(GENERIC.parent.glob("*.yaml")) if file != GENERIC))
ROBOTS = [Robot.from_file(shipped(name)) for name in FILES]
UR5E = Robot.from_file(shipped("robots/ur5e.yaml"))
LIMITS, STEP_S = Limits(), 0.01
AREA_M = [(x_m, y_m, z_m) for x_m in (0.3, 0.5, 0.66) for y_m in (-0.3, 0.0, 0.3) for z_m in (0.02, 0.3)]


def pointing_down(robot: Robot, position_m: tuple[float, ...]) -> FloatArray:
    """(J,) joint angles that hold the tool at a place of the base frame, reached from home."""
    joint_rad = np.array(robot.home_rad)
    for _ in range(200):
        frames = joint_frames(robot, joint_rad)
        turned = frames[-1][:3, :3]
        turn = np.diag([1.0, -1.0, -1.0]) @ turned.T
        about = 0.5 * np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        error = np.concatenate([np.subtract(position_m, frames[-1][:3, 3]), about])
        jacobian = tool_jacobian(frames)
        pull = 0.2 * (robot.home_rad - joint_rad)  # of the elbow, where there is one more joint than needed
        joint_rad = joint_rad + pull + np.linalg.pinv(jacobian) @ (0.2 * error - jacobian @ pull)
    assert np.abs(error).max() < 1e-6
    return np.asarray(joint_rad)


def condition(robot: Robot, joint_rad: FloatArray) -> float:
    return float(np.linalg.cond(tool_jacobian(joint_frames(robot, joint_rad))))


@pytest.mark.parametrize("robot", ROBOTS, ids=lambda robot: robot.name)
def test_at_home_the_tool_points_down_over_the_table(robot: Robot) -> None:
    T_base_tool = forward_kinematics(robot, np.array(robot.home_rad))
    np.testing.assert_allclose(T_base_tool[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-5)
    np.testing.assert_allclose(T_base_tool[:3, 3], [0.35, 0.0, 0.4], atol=1e-5)


@pytest.mark.parametrize("robot", ROBOTS, ids=lambda robot: robot.name)
def test_all_over_the_table_the_arm_is_clear_of_itself_its_limits_and_singularities(robot: Robot) -> None:
    for position_m in AREA_M:
        joint_rad = pointing_down(robot, position_m)
        assert (joint_rad > np.add(robot.joint_lower_rad, LIMITS.joint_margin_rad)).all(), position_m
        assert (joint_rad < np.subtract(robot.joint_upper_rad, LIMITS.joint_margin_rad)).all(), position_m
        assert ArmLimits(robot).clearances_m(joint_rad, LIMITS.table_m).min() > LIMITS.clearance_m, position_m
        assert condition(robot, joint_rad) < LIMITS.singularity_slow, position_m


def test_the_ur5e_is_where_the_manufacturers_table_has_it() -> None:
    """The standard DH table of the UR5e, multiplied out; its flange is the hand's base."""
    a_m, d_m = (0.0, -0.425, -0.3922, 0.0, 0.0, 0.0), (0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996)
    alpha_rad = (np.pi / 2, 0.0, 0.0, np.pi / 2, -np.pi / 2, 0.0)
    joint_rad = np.array([0.3, -1.1, 1.4, -0.6, 0.8, -2.0])
    T_base_flange = np.eye(4)
    for angle, a, d, alpha in zip(joint_rad, a_m, d_m, alpha_rad, strict=True):
        c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
        row = [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
        T_base_flange = T_base_flange @ np.array(row)
    T_flange_tool = np.eye(4)
    T_flange_tool[2, 3] = 0.1034
    np.testing.assert_allclose(forward_kinematics(UR5E, joint_rad), T_base_flange @ T_flange_tool, atol=1e-9)


def test_a_six_axis_arm_is_slowed_and_stopped_before_its_elbow_is_straight() -> None:
    joint_rad, forward = np.array(UR5E.home_rad), np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0])
    _drive_into_singularity(joint_rad, lambda _: forward)


def test_a_six_axis_arm_is_slowed_and_stopped_before_axes_of_its_wrist_align() -> None:
    joint_rad = np.array([*UR5E.home_rad[:4], 0.5, UR5E.home_rad[5]])
    _drive_into_singularity(joint_rad, lambda jacobian: -0.5 * jacobian[:, 4])


def _drive_into_singularity(joint_rad: FloatArray, command: Callable[[FloatArray], FloatArray]) -> None:
    limits, conditions, why = ArmLimits(UR5E), [0.0], set[Reason]()
    for _ in range(round(3.0 / STEP_S)):
        jacobian = tool_jacobian(joint_frames(UR5E, joint_rad))
        bounded, reasons = limits.bound(command(jacobian), joint_rad, LIMITS)
        why.update(reasons)
        damped = jacobian @ jacobian.T + DAMPING**2 * np.eye(6)  # as a servo follows it
        joint_rad_s = jacobian.T @ np.linalg.solve(damped, bounded)
        assert (np.abs(joint_rad_s) <= np.multiply(1.001, UR5E.joint_velocity_rad_s)).all()
        joint_rad = joint_rad + STEP_S * joint_rad_s
        conditions.append(condition(UR5E, joint_rad))
    assert Reason.SINGULARITY in why and max(conditions) > LIMITS.singularity_slow
    assert max(conditions) < 1.02 * LIMITS.singularity_stop
    way_back = -command(tool_jacobian(joint_frames(UR5E, joint_rad)))
    assert limits.bound(way_back, joint_rad, LIMITS)[0].any()


def test_torques_that_are_not_one_for_each_joint_are_refused() -> None:
    with pytest.raises(ConfigError, match="joint_torque_n_m must hold 6 numbers above 0"):
        replace(UR5E, joint_torque_n_m=(28.0,))


def test_the_generic_file_is_refused_until_everything_is_filled_in(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"generic.yaml: name, base_frame, .*capsules_m must be filled in, as its comm"
    ):
        Robot.from_file(GENERIC)
    own, text = tmp_path / "own.yaml", GENERIC.read_text()
    ur5es = read_yaml(shipped("robots/ur5e.yaml")) | {"dh_theta_rad": [0.0] * 6}
    lines = [line.partition(":") for line in text.splitlines()]
    own.write_text("\n".join(f"{key}: {ur5es[key]}" for key, _, rest in lines if rest.startswith(" fill in")))
    assert Robot.from_file(own) == replace(UR5E, dh_theta_rad=(0.0,) * 6, joint_torque_n_m=())
    own.write_text(own.read_text().replace("tool_yaw_rad: 0.0", "tool_yaw_rad: fill in"))
    with pytest.raises(ConfigError, match="own.yaml: tool_yaw_rad must be filled in"):
        Robot.from_file(own)
