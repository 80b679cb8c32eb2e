"""Sizes that checkpoint, robot and aligner must agree on: six joints work; another arm or other windows are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import CheckpointError, ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.model.checkpoint import SHIPPED, load
from autoglm_embodied.model.inputs import model_input
from autoglm_embodied.policy.learned import load_pipeline
from autoglm_embodied.types import ArmState, Camera, Frame, Observation, Sense

MS = 1_000_000
CAMERA = Camera(320, 240, np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]]), np.eye(4))
ROBOT = Robot.from_file(Path(__file__).with_name("six_axis.yaml"))
ALIGN = AlignSettings(arm_joints=ROBOT.joints, finger_joints=len(ROBOT.finger_joint_names))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("six_axis")
    config = grasp_config(joints=ROBOT.joints, width=32, layers=1, queries=4, stem=(8, 8, 16))
    build_model(config).save_pretrained(folder)
    return folder


def test_a_six_axis_robot_observes_and_acts(checkpoint: Path) -> None:
    pipeline = load_pipeline(checkpoint, ROBOT, ALIGN, "cpu")
    rng = np.random.default_rng(0)
    position = np.array([0.1, -1.2, 1.4, -1.7, -1.5, 0.2, 0.03, 0.03])
    for step in range(1000):
        pipeline.push_wrench(step * MS, step * MS, rng.normal(size=6))
        pipeline.push_joints(step * MS, step * MS, position, np.zeros(8))
    pipeline.aligner.tare(999 * MS, 999 * MS)
    pipeline.begin("pick up the red cube", 999 * MS)
    rgb = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
    pipeline.push_frame(Frame(990 * MS, rgb, np.full((240, 320), 0.9, np.float32), CAMERA), 999 * MS)
    tick = pipeline.tick(1000 * MS, 1000 * MS)
    assert all(sense.present for sense in tick.observation.senses())
    assert tick.chunk is not None and tick.chunk.twist.shape == (8, 6)
    assert (tick.chunk.gate > 0).all()


def test_the_shipped_checkpoint_is_refused_for_a_six_axis_robot() -> None:
    with pytest.raises(CheckpointError, match=r"arm of 7 joints, but this robot has 6; train one"):
        load_pipeline(SHIPPED, ROBOT, ALIGN, "cpu")


def test_the_shipped_checkpoint_says_how_many_joints_it_knows() -> None:
    assert load(device="cpu", joints=7).config.joints == 7


def test_an_arm_of_another_size_is_named_rather_than_ending_in_a_shape_error() -> None:
    arm = ArmState(np.zeros(6), np.zeros(6), np.eye(4), 0.04, 0.0)
    observation = Observation(0, Sense(None), Sense(None), Sense(arm), Sense(None))
    with pytest.raises(ConfigError, match="arms of 7 joints, got 6"):
        model_input([observation], grasp_config(joints=7))


def test_a_model_without_joints_is_refused() -> None:
    with pytest.raises(ConfigError, match="joints must be 1 or more, got 0"):
        grasp_config(joints=0)


@pytest.mark.parametrize("other", [{"raw_samples": 32}, {"pyramid_windows_ns": (8_000_000, 32_000_000)}])
def test_windows_that_a_checkpoint_does_not_take_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="takes 64 raw wrenches and a force pyramid of 4 scales, but"):
        load_pipeline(SHIPPED, Robot.from_file(shipped("panda.yaml")), AlignSettings(**other))
