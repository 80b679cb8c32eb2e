"""Align, encode, fuse, act as one: when there is something to do, and that the same data give the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import InstructionError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.policy.learned import LearnedPolicy
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.types import Camera, Frame

MS = 1_000_000
K = np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]])
CAMERA = Camera(320, 240, K, np.eye(4))


@pytest.fixture(scope="module")
def model() -> GraspModel:
    torch.manual_seed(0)
    return build_model(grasp_config(width=32, layers=1, queries=4, stem=(8, 8, 16)))


def pipeline(model: GraspModel) -> Pipeline:
    robot = Robot.from_file(shipped("panda.yaml"))
    aligner = Aligner(AlignSettings(), lambda position: forward_kinematics(robot, position))
    return Pipeline(aligner, LearnedPolicy(model))


def feed(to: Pipeline, camera: bool = True) -> int:
    """One second of a still arm; returns the instant at its end [ns]."""
    rng = np.random.default_rng(0)
    for step in range(1000):
        to.push_wrench(step * MS, step * MS, rng.normal(size=6))
        to.push_joints(step * MS, step * MS, np.full(9, 0.02), np.zeros(9))
    if camera:
        rgb = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
        to.push_frame(Frame(990 * MS, rgb, np.full((240, 320), 0.9, np.float32), CAMERA), 990 * MS)
    return 1000 * MS


def test_without_an_instruction_there_is_nothing_to_do(model: GraspModel) -> None:
    fed = pipeline(model)
    end_ns = feed(fed)
    assert fed.tick(end_ns, end_ns).chunk is None
    fed.begin("grab the red one", end_ns)
    assert fed.tick(end_ns, end_ns).chunk is not None
    fed.end()
    assert fed.tick(end_ns, end_ns).chunk is None


def test_without_a_camera_it_does_not_act(model: GraspModel) -> None:
    blind = pipeline(model)
    end_ns = feed(blind, camera=False)
    blind.begin("grab the red one", end_ns)
    tick = blind.tick(end_ns, end_ns)
    assert tick.chunk is None
    assert not tick.observation.vision.present


def test_an_untared_wrench_is_masked_and_a_tared_one_is_used(model: GraspModel) -> None:
    fed = pipeline(model)
    end_ns = feed(fed)
    assert not fed.tick(end_ns, end_ns).observation.force.present
    fed.aligner.tare(end_ns, end_ns)
    force = fed.tick(end_ns, end_ns).observation.force
    assert force.value is not None and force.value.samples_used == 512


def test_the_same_data_give_the_same_bits(model: GraspModel) -> None:
    chunks = []
    for fed in (pipeline(model), pipeline(model)):
        end_ns = feed(fed)
        fed.begin("grab the red one", end_ns)
        chunks.append(fed.tick(end_ns, end_ns).chunk)
    assert chunks[0] is not None and chunks[1] is not None
    assert np.array_equal(chunks[0].twist, chunks[1].twist)
    assert np.array_equal(chunks[0].latent, chunks[1].latent)


def test_words_that_name_nothing_known_are_refused_by_name(model: GraspModel) -> None:
    with pytest.raises(InstructionError, match="'elephant'.*colours red.*shapes cube"):
        pipeline(model).begin("pick up the purple elephant", 0)
