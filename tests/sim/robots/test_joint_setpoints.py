from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.gazebo.systems import joint_gains
from autoglm_embodied_sim.robots.arm_rig import build_model
from autoglm_embodied_sim.robots.servo import FINGER_FORCE_N, LONGEST_GAP_NS, PERIOD_NS, Setpoints
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

from autoglm_embodied.errors import CommandError, SensorError

STEP_NS = 1_000_000
HOME_Q, ARM_JOINTS = np.array(PANDA.home_rad), PANDA.joints
JOINTS = ARM_JOINTS + 2


class Arm:
    """A simulated arm that takes set-points as Gazebo's controllers do."""

    def __init__(self, start_rad: Any = HOME_Q) -> None:
        self.model = build_model(CameraSettings.from_file())
        self.model.body_gravcomp[:] = 0  # as in Gazebo
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:JOINTS] = [*start_rad, 0.04, 0.04]
        self.data.ctrl[:] = self.data.qpos[: ARM_JOINTS + 1]
        self.stiffness = np.array([joint_gains(self.model, joint).stiffness for joint in range(JOINTS)])
        self.setpoints = Setpoints(self.model, PANDA, self.stiffness)
        self.time_ns = 5_000_000_000

    def run(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        for _ in range(round(seconds * 1000)):
            meanwhile()
            setpoints = self.setpoints.advance(self.time_ns, self.data.qpos[:JOINTS], self.data.qvel[:JOINTS])
            if setpoints is not None:
                self.data.ctrl[:] = setpoints[: ARM_JOINTS + 1]
            mujoco.mj_step(self.model, self.data)
            self.time_ns += STEP_NS

    def tool_m(self) -> Any:
        mujoco.mj_kinematics(self.model, self.data)
        return self.data.site("tool").xpos.copy()


@pytest.fixture
def arm() -> Arm:
    made = Arm()
    made.run(0.1)
    assert not made.setpoints.homing
    return made


def test_it_begins_by_moving_home_from_anywhere() -> None:
    arm = Arm(np.array([0.8, 0.2, -0.4, -1.2, 0.5, 1.0, 0.2]))
    arm.setpoints.command(np.array([0.3, 0, 0, 0, 0, 0]))  # ignored on the way
    fastest = 0.0

    def watch() -> None:
        nonlocal fastest
        fastest = max(fastest, float(np.abs(arm.data.qvel[:ARM_JOINTS]).max()))

    arm.run(3.0, watch)
    assert not arm.setpoints.homing and fastest < 1.2
    np.testing.assert_allclose(arm.data.qpos[:ARM_JOINTS], HOME_Q, atol=0.02)


@pytest.mark.parametrize("axis", range(3))
def test_the_tool_moves_with_the_twist_and_stops_when_it_falls_silent(arm: Arm, axis: int) -> None:
    twist = np.zeros(6)
    twist[axis] = -0.1
    start_m = arm.tool_m()
    arm.run(1.0, lambda: arm.setpoints.command(twist))
    moved_m = arm.tool_m() - start_m
    assert moved_m[axis] == pytest.approx(-0.1, abs=0.008)
    assert np.abs(np.delete(moved_m, axis)).max() < 0.002
    arm.run(0.3)
    at_m = arm.tool_m()
    arm.run(0.5)
    assert np.linalg.norm(arm.tool_m() - at_m) < 2e-4


def test_fingers_close_at_their_speed_and_press_with_their_force(arm: Arm) -> None:
    arm.setpoints.grip(0.0)
    arm.run(0.4)
    assert arm.data.qpos[ARM_JOINTS] == pytest.approx(0.02, abs=0.004)
    blocked, still = np.array([*HOME_Q, 0.02, 0.02]), np.zeros(JOINTS)
    told = None
    for _ in range(200):
        arm.time_ns += PERIOD_NS
        told = arm.setpoints.advance(arm.time_ns, blocked, still)
    assert told is not None
    assert arm.stiffness[ARM_JOINTS] * (0.02 - told[ARM_JOINTS]) == pytest.approx(FINGER_FORCE_N, rel=1e-6)


def test_both_fingers_are_pulled_back_to_their_middle(arm: Arm) -> None:
    arm.time_ns += PERIOD_NS
    shifted = np.array([*HOME_Q, 0.03, 0.01])
    told = arm.setpoints.advance(arm.time_ns, shifted, np.zeros(JOINTS))
    assert told is not None and told[ARM_JOINTS] == told[ARM_JOINTS + 1]


def test_an_arm_that_is_held_is_not_pushed_harder_and_harder(arm: Arm) -> None:
    arm.setpoints.command(np.array([0, 0, -0.3, 0, 0, 0]))
    held = np.array([*HOME_Q, 0.04, 0.04])
    leads = []
    for _ in range(100):
        arm.setpoints.command(np.array([0, 0, -0.3, 0, 0, 0]))
        arm.time_ns += PERIOD_NS
        told = arm.setpoints.advance(arm.time_ns, held, np.zeros(JOINTS))
        assert told is not None
        leads.append(np.abs(told[:ARM_JOINTS] - HOME_Q).max())
    assert max(leads) <= 0.007 + 0.009  # beside what bears the arm's weight


def test_after_a_gap_the_reference_begins_where_the_arm_is(arm: Arm) -> None:
    arm.run(0.2, lambda: arm.setpoints.command(np.array([0.2, 0, 0, 0, 0, 0])))
    elsewhere = np.array([*(HOME_Q + 0.2), 0.04, 0.04])
    for jump_ns in (LONGEST_GAP_NS + 1, -3_000_000_000):  # the simulator stood still, or began anew
        arm.time_ns += jump_ns
        assert arm.setpoints.advance(arm.time_ns, elsewhere, np.zeros(JOINTS)) is None
        arm.time_ns += PERIOD_NS
        told = arm.setpoints.advance(arm.time_ns, elsewhere, np.zeros(JOINTS))
        assert told is not None
        np.testing.assert_allclose(told[:ARM_JOINTS], elsewhere[:ARM_JOINTS], atol=0.02)


def test_nothing_is_due_before_a_period_has_passed(arm: Arm) -> None:
    position, still = np.array([*HOME_Q, 0.04, 0.04]), np.zeros(JOINTS)
    arm.time_ns += PERIOD_NS
    assert arm.setpoints.advance(arm.time_ns, position, still) is not None
    assert arm.setpoints.advance(arm.time_ns + PERIOD_NS - 1, position, still) is None


def test_the_arm_bears_its_own_weight(arm: Arm) -> None:
    arm.run(1.0)
    np.testing.assert_allclose(arm.data.qpos[:ARM_JOINTS], HOME_Q, atol=2e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_no_command_or_no_state_give_no_set_point(bad: float) -> None:
    arm = Arm()
    arm.run(0.02)
    for command in (lambda: arm.setpoints.command(np.full(6, bad)), lambda: arm.setpoints.grip(bad)):
        with pytest.raises(CommandError, match="must be finite"):
            command()
    state = np.zeros(9)
    for position, velocity in ((np.full(9, bad), state), (state, np.full(9, bad)), (state[:7], state)):
        with pytest.raises(SensorError, match="a joint's (position|velocity) must"):
            arm.setpoints.advance(10**9, position, velocity)
