from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.judge import hanging
from autoglm_embodied_sim.robots.arm_rig import ArmRig
from autoglm_embodied_sim.sensors.sensor_specs import Errors, Sensors, Timing
from sim_cases import drive, laid, laid_scene, primitive

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import CommandError
from autoglm_embodied.kinematics import Robot, forward_kinematics

G_M_S2 = 9.81
HAND_KG = 0.73 + 2 * 0.015


def test_wrench_at_rest_is_the_weight_of_the_hand(rig: ArmRig) -> None:
    rig.reset()
    rig.step(300)
    force = rig.wrenches()[:, :3].mean(axis=0)
    np.testing.assert_allclose(force, [0, 0, HAND_KG * G_M_S2], atol=0.05)  # the sensor's z points down


def test_wrench_grows_by_the_weight_of_what_is_held() -> None:
    table = laid((primitive("cube", mass_kg=0.25), 0.5, 0.05), yaw_rad=np.pi / 4)
    table.grasp(0)
    table.rig.step(500)
    force_n = table.rig.wrenches()[-200:, 2].mean()
    assert hanging(table.arm, np.array([0.02])) == (0,)
    assert force_n == pytest.approx((HAND_KG + 0.25) * G_M_S2, abs=0.08)


def test_pressing_on_the_table_unloads_the_sensor_and_stays_bounded(rig: ArmRig) -> None:
    rig.reset()
    drive(rig, [0, 0, -0.2, 0, 0, 0], 3.0)
    assert -250 < rig.wrench()[2] < -5


def test_tool_follows_a_twist_and_stays_upright(rig: ArmRig) -> None:
    rig.reset()
    drive(rig, [0.2, 0.1, -0.1, 0, 0, 0], 0.3)
    before = rig.T_base_tool()
    drive(rig, [0.2, 0.1, -0.1, 0, 0, 0], 0.5)
    after = rig.T_base_tool()
    np.testing.assert_allclose(after[:3, 3] - before[:3, 3], [0.1, 0.05, -0.05], atol=0.002)
    np.testing.assert_allclose(after[:3, :3], before[:3, :3], atol=2e-3)


def test_commands_time_out_after_a_tenth_of_a_second(rig: ArmRig) -> None:
    rig.reset()
    drive(rig, [0, 0.2, 0, 0, 0, 0], 0.5)
    rig.step(250)
    stopped = rig.T_base_tool()[:3, 3]
    rig.step(500)
    np.testing.assert_allclose(rig.T_base_tool()[:3, 3], stopped, atol=5e-4)


def test_a_silent_commander_does_not_open_the_gripper(rig: ArmRig) -> None:
    rig.reset()
    rig.command(np.zeros(6), 0.0)
    rig.step(1500)
    assert rig.joints()[0][7:].sum() < 0.002


def test_joints_agree_with_the_kinematics_of_the_core(rig: ArmRig) -> None:
    rig.reset()
    drive(rig, [0.2, 0.1, -0.1, 0, 0, 0.3], 0.6)
    robot = Robot.from_file(shipped("panda.yaml"))
    T_base_tool = forward_kinematics(robot, rig.joints()[0][: robot.joints])
    np.testing.assert_allclose(T_base_tool, rig.T_base_tool(), atol=1e-5)


def test_the_same_seeds_give_the_same_run() -> None:
    runs = []
    for _ in range(2):
        laid_scene(1)  # what came before must not matter
        rig = laid_scene(5).rig
        drive(rig, [0.1, 0, -0.1, 0, 0, 0], 0.2)
        runs.append((rig.wrenches(), rig.joints()[0], rig.frame(160, 120)))
        rig.close()
    first, second = runs
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(first[2].rgb, second[2].rgb)
    np.testing.assert_array_equal(first[2].depth_m, second[2].depth_m)


def test_time_runs_on_over_resets_in_steps_of_a_millisecond(rig: ArmRig) -> None:
    rig.reset()
    before_ns = rig.time_ns
    rig.step(7)
    rig.reset()
    assert rig.time_ns - before_ns == 7_000_000


def test_sensors_of_ones_own_deliver_by_their_specs_while_the_truth_stays() -> None:
    usual = Sensors.from_file()
    late = Timing(250.0, latency_ns=20_000_000)
    own = replace(
        usual,
        wrench=replace(usual.wrench, timing=late, force_n=Errors(bias=5.0)),
        joints=replace(usual.joints, timing=late, position_rad=Errors(bias=0.1)),
        depth=replace(usual.depth, depth_m=Errors(bias=0.05), hole_fraction=0.0),
    )
    rigs = [ArmRig(seed=0, sensors=sensors) for sensors in (usual, own)]
    for rig in rigs:
        rig.reset()
        drive(rig, [0, 0, -0.1, 0, 0, 0], 0.05)
        drive(rig, [0, 0, -0.1, 0, 0, 0], 0.05)
    exact, off = rigs
    assert len(exact.wrenches()) == 10 and len(off.wrenches()) in (2, 3)
    for samples in (off.wrench_samples(), off.joint_samples()):
        np.testing.assert_array_equal(samples.receive_ns - samples.stamp_ns, 20_000_000)
        assert set(samples.stamp_ns // 1_000_000 % 4) == {0}
    np.testing.assert_allclose(off.wrench()[:3], exact.wrench()[:3] + 5.0, atol=1.5)
    np.testing.assert_array_equal(off.T_base_tool(), exact.T_base_tool())
    behind = off.joints()[0] - exact.joints()[0]
    np.testing.assert_allclose(behind[:7], 0.1, atol=0.02)
    assert abs(behind[7:]).max() < 1e-4
    assert np.median(off.frame(160, 120).depth_m - exact.frame(160, 120).depth_m) == pytest.approx(0.05, abs=1e-3)
    for rig in rigs:
        rig.close()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_no_command_are_refused_whole_and_the_arm_stays(rig: ArmRig, bad: float) -> None:
    rig.reset()
    twist = np.array([0.1, 0, 0, 0, 0, bad])
    for command in (
        lambda: rig.command(twist, 0.08),
        lambda: rig.command(np.array([0.1, 0, 0, 0, 0, 0]), bad),
        lambda: rig.command(np.zeros(7), 0.08),
        lambda: rig.grip(bad),
        lambda: rig.reset(np.full(7, bad)),
    ):
        with pytest.raises(CommandError, match="must be"):
            command()
    before = rig.T_base_tool()
    rig.step(100)
    np.testing.assert_allclose(rig.T_base_tool(), before, atol=1e-3)
    assert rig.gripper_command_m == 0.08
