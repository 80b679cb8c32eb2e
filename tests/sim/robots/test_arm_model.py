"""Arms of the simulator are what their robot files say: links, limits, torques; what a file lacks is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.robots import hand_model
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.arm_model import arm_spec
from autoglm_embodied_sim.robots.arm_rig import ArmRig, build_model
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import PANDA, Sensors

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.kinematics import Robot, forward_kinematics

UR5E, FR3 = (Robot.from_file(shipped(f"robots/{name}.yaml")) for name in ("ur5e", "fr3"))
ZERO_ELSEWHERE = replace(UR5E, name="zero_elsewhere", dh_theta_rad=(0.3, -0.7, 1.1, 0.4, -1.3, 0.2))
HAND_N = 9.81 * (0.73 + 2 * 0.015)


@pytest.fixture(scope="module")
def ur5e() -> Iterator[Arm]:
    arm = Arm([], np.zeros(3), 20.0, seed=0, robot=UR5E)
    yield arm
    arm.close()


@pytest.mark.parametrize("robot", [PANDA, FR3, UR5E, ZERO_ELSEWHERE], ids=lambda robot: robot.name)
def test_model_and_file_agree_on_links_limits_and_torques(robot: Robot) -> None:
    model: Any = build_model(CameraSettings.from_file(), robot=robot)
    data, random = mujoco.MjData(model), np.random.default_rng(0)
    arm = slice(robot.joints)
    np.testing.assert_array_equal(model.jnt_range[arm].T, [robot.joint_lower_rad, robot.joint_upper_rad])
    np.testing.assert_array_equal(model.actuator_forcerange[arm, 1], robot.joint_torque_n_m)
    for _ in range(20):
        joint_rad = random.uniform(*model.jnt_range[arm].T)
        data.qpos[arm] = joint_rad
        mujoco.mj_kinematics(model, data)
        T_base_tool = forward_kinematics(robot, joint_rad)
        np.testing.assert_allclose(data.site("tool").xpos, T_base_tool[:3, 3], atol=1e-6)
        np.testing.assert_allclose(data.site("tool").xmat.reshape(3, 3), T_base_tool[:3, :3], atol=1e-6)


def test_the_pandas_limits_are_those_of_the_model_that_it_is_made_of() -> None:
    made: Any = arm_spec(PANDA).compile()
    found: Any = mujoco.MjSpec.from_file(str(hand_model.panda_file())).compile()
    for name in ("jnt_range", "actuator_ctrlrange", "actuator_forcerange", "actuator_gainprm", "body_mass"):
        np.testing.assert_array_equal(getattr(made, name), getattr(found, name), name)


def test_an_arm_of_capsules_bears_its_hand_and_touches_nothing_at_home(ur5e: Arm) -> None:
    ur5e.rig.reset(np.array(UR5E.home_rad))
    ur5e.rig.step(500)
    assert ur5e.data.ncon == 0
    np.testing.assert_allclose(ur5e.rig.wrenches()[-200:, :3].mean(axis=0), [0, 0, HAND_N], atol=0.05)
    np.testing.assert_allclose(ur5e.rig.joints()[0][: UR5E.joints], UR5E.home_rad, atol=1e-3)


def test_an_arm_of_six_joints_arrives_all_over_the_table_within_its_joint_speeds(ur5e: Arm) -> None:
    fastest_rad_s = np.zeros(UR5E.joints)
    ur5e.watch = lambda: np.maximum(fastest_rad_s, np.abs(ur5e.data.qvel[: UR5E.joints]), out=fastest_rad_s)
    for x_m, y_m, yaw_rad in ((-0.2, -0.2, 1.5), (0.18, 0.2, -1.5), (0.18, -0.2, 0.4), (-0.2, 0.2, 1.5)):
        over = HandPose(x_m, y_m, 0.2, yaw_rad)
        assert ur5e.move(over) and ur5e.move(over.raised_to(0.01), 0.15)
        np.testing.assert_allclose(ur5e.pose.values, [x_m, y_m, 0.01, yaw_rad], atol=2e-3)
        assert ur5e.rig.T_base_tool()[2, 2] < -0.99999
        assert ur5e.move(over)
    ur5e.watch = None
    assert (fastest_rad_s < UR5E.joint_velocity_rad_s).all() and fastest_rad_s.max() > 0.5


@pytest.mark.parametrize("dump", range(2))
def test_what_is_in_the_way_can_be_laid_down(ur5e: Arm, dump: int) -> None:
    assert ur5e.move(ur5e.aside) and ur5e.move(ur5e.set_down_poses[4 * dump])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"home_rad": ()}, "has no home_rad; add it"),
        ({"finger_joint_names": ("jaw",)}, "the simulated hand has 2 fingers, got 1 finger_joint_names of ur5e"),
        ({"capsule_links": (), "capsules_m": ()}, "ur5e has none of link 1; complete capsule_links"),
    ],
)
def test_what_a_file_lacks_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ArmRig(0, robot=replace(UR5E, **change))


def test_lists_for_each_joint_are_as_long_as_the_arm_has_joints(tmp_path: Any) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"joints: {{position_rad: {{bias: {[0.1] * 6}}}}}")
    np.testing.assert_array_equal(Sensors.from_file(own, UR5E).joints.channels_of(UR5E).bias[:6], [0.1] * 6)
    with pytest.raises(ConfigError, match=r"own.yaml: joints: position_rad.bias must be one number or 7, got 6"):
        Sensors.from_file(own)
