"""What a robot must be, and where it may stand, to grasp unknown objects by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.grasp_choice import scorer_of
from autoglm_embodied.grasping.named import named_policy
from autoglm_embodied.grasping.seeing_rig import segmenter_of
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.kinematics import Robot

PANDA = Robot.from_file(shipped("panda.yaml"))


def test_a_gripper_that_opens_too_little_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"fingers that open 0.08 m, but gripper_max_width_m of panda is 0.05"):
        named_policy(replace(PANDA, gripper_max_width_m=0.05), WorkArea())


def test_the_networks_are_ready_before_a_hand_waits_for_them() -> None:
    segmenter_of.cache_clear()
    scorer_of.cache_clear()
    named_policy(replace(PANDA, gripper_max_width_m=0.085), WorkArea()).close()
    assert segmenter_of.cache_info().currsize == scorer_of.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("origin_m", (0.5, 0.0), "must hold x, y and z"),
        ("origin_m", (500.0, 0.0, 0.0), "must be from -5 to 5"),
        ("half_size_m", (0.3,), "must hold x and y"),
        ("half_size_m", (0.3, 0.0), "must be from 0.05 to 2"),
        ("grip_force_n", 0.0, "must be from 1 to 500"),
        ("aside_m", (0.0, float("nan"), 0.4), "must be from -2 to 2"),
        ("set_down_xy_m", (), "x and y of one place or more"),
        ("set_down_xy_m", (0.1, 0.2, 0.3), "x and y of one place or more"),
    ],
)
def test_a_work_area_that_cannot_be_is_refused(setting: str, value: float | tuple[float, ...], sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"work_area.{setting} {sentence}|{sentence}"):
        WorkArea(**{setting: value})
