"""One grasp at a time: it begins with a tare, ends for what it is told, and leaves the arm still."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.policy.grasp_controller import ControlStep, GraspController
from autoglm_embodied.policy.grasp_episode import GraspEpisode, GraspSettings, Outcome
from autoglm_embodied.policy.learned import LearnedPolicy
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.types import Camera, Frame

MS = 1_000_000
WEIGHT = np.array([0.0, 0.0, -7.2, 0.0, 0.0, 0.0])
READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])


@pytest.fixture
def pipeline() -> Pipeline:
    """An untrained policy and 200 ms of a hand at rest."""
    torch.manual_seed(0)
    robot = Robot.from_file(shipped("panda.yaml"))
    aligner = Aligner(AlignSettings(), lambda position: forward_kinematics(robot, position))
    pipeline = Pipeline(aligner, LearnedPolicy(build_model(grasp_config())))
    rest(pipeline, 0, 200)
    return pipeline


def rest(pipeline: Pipeline, first_ms: int, last_ms: int, speed: float = 0.0, width_m: float = 0.08) -> None:
    position = np.r_[READY_RAD[:7], width_m / 2, width_m / 2]
    for ms in range(first_ms, last_ms):
        pipeline.push_wrench(ms * MS, ms * MS, WEIGHT + 1e-3 * np.sin(ms))  # one that never changes is stuck
        pipeline.push_joints(ms * MS, ms * MS, position, np.full(9, speed))
    camera = Camera(640, 480, np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]), np.eye(4))
    pipeline.push_frame(
        Frame(last_ms * MS, np.full((480, 640, 3), 127, np.uint8), np.ones((480, 640)), camera), last_ms * MS
    )


def step(controller: GraspController, at_ms: int, begin: str | None = None, end: str | None = None) -> ControlStep:
    return controller.step(at_ms * MS, at_ms * MS, begin, end)


def test_the_wrench_is_zeroed_as_soon_as_the_hand_is_known_to_be_empty_and_at_rest(pipeline: Pipeline) -> None:
    controller = GraspController(pipeline, GraspSettings())
    assert not step(controller, 200).tick.observation.force.present
    turned = step(controller, 201)
    assert turned.tick.observation.force.present and not turned.acting and turned.command is None


def test_the_wrench_is_not_zeroed_while_something_may_be_in_the_hand(pipeline: Pipeline) -> None:
    rest(pipeline, 200, 400, width_m=0.04)
    controller = GraspController(pipeline, GraspSettings())
    for at_ms in (400, 401, 402):
        assert not step(controller, at_ms).tick.observation.force.present
    with pytest.raises(SensorError, match="empty hand"):
        controller.tare(402 * MS, 402 * MS)
    rest(pipeline, 402, 602, width_m=0.0)
    step(controller, 602)
    assert step(controller, 603).tick.observation.force.present


def test_what_a_grasp_left_in_the_hand_is_known_until_the_fingers_open(pipeline: Pipeline) -> None:
    controller = GraspController(pipeline, GraspSettings())
    step(controller, 200)
    held = GraspEpisode("get the green cube", 0, GraspSettings())
    rest(pipeline, 200, 400, width_m=0.04)
    step(controller, 400)
    held.end(Outcome.HELD, "held")
    controller._finish(held)
    for at_ms in range(400, 400 + 33 * (GraspSettings().look_ticks + 1), 33):
        rest(pipeline, at_ms, at_ms + 33, width_m=0.04)
        turned = step(controller, at_ms + 33, begin="pick up the blue ball" if at_ms == 400 else None)
        if turned.episode is not None and turned.episode.over:
            break
    assert turned.episode is not None and turned.episode.outcome is Outcome.HAND_NOT_EMPTY
    assert "'get the green cube'" in turned.episode.message
    rest(pipeline, 1000, 1200)
    step(controller, 1200)
    controller.tare(1200 * MS, 1200 * MS)  # the fingers opened: nothing is in the hand any more


def test_without_rest_force_stays_masked_and_a_grasp_may_begin(pipeline: Pipeline) -> None:
    rest(pipeline, 200, 260, speed=0.5)
    controller = GraspController(pipeline, GraspSettings())
    step(controller, 259)
    turned = step(controller, 260, begin="pick up the red cube")
    assert turned.acting and not turned.tick.observation.force.present and turned.tick.chunk is not None
    with pytest.raises(SensorError, match="at rest"):
        controller.tare(260 * MS, 260 * MS)


def test_words_that_name_nothing_end_a_grasp_before_the_policy_acts(pipeline: Pipeline) -> None:
    controller = GraspController(pipeline, GraspSettings())
    turned = step(controller, 200, begin="pick up the purple elephant")
    assert turned.acting and turned.episode is not None and turned.command is None and turned.tick.chunk is None
    assert turned.episode.outcome is Outcome.UNKNOWN_WORDS and "elephant" in turned.episode.message
    assert not step(controller, 201).acting


def test_what_ends_a_grasp_is_its_outcome_and_the_instruction_is_forgotten(pipeline: Pipeline) -> None:
    controller = GraspController(pipeline, GraspSettings())
    assert step(controller, 200, begin="pick up the red cube").tick.observation.language.present
    turned = step(controller, 201, end="Heard stop.")
    assert turned.acting and turned.command is None and turned.episode is not None
    assert (turned.episode.outcome, turned.episode.message) == (Outcome.STOPPED, "Heard stop.")
    after = step(controller, 202)
    assert not after.acting and not after.tick.observation.language.present and after.episode is turned.episode
    again = step(controller, 203, begin="pick up the blue ball")
    assert again.acting and again.episode is not None and not again.episode.over


def test_a_grasp_ends_in_time_though_the_clock_of_the_stamps_stands(pipeline: Pipeline) -> None:
    controller = GraspController(pipeline, GraspSettings(blind_s=1000.0))
    stands_ns = 10**18
    begun = controller.step(stands_ns, 200 * MS, "get the green cube", None)
    late = controller.step(stands_ns, 200 * MS + 31_000 * MS, None, None)
    assert begun.episode is late.episode is not None
    assert begun.acting and late.episode.outcome is Outcome.TIMEOUT
    assert controller.step(stands_ns, 200 * MS + 32_000 * MS, None, None).acting is False
