"""One grasp at a time: it begins with a tare, ends for what it is told, and leaves the arm still."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from simple_hand import SimpleHand

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.policy.goal import Goal, Outcome
from autoglm_embodied.policy.grasp_controller import ControlStep, GraspController
from autoglm_embodied.policy.grasp_episode import GraspEpisode, GraspSettings, PutDownFirst
from autoglm_embodied.policy.learned import LearnedPolicy
from autoglm_embodied.policy.motion_episode import MotionEpisode
from autoglm_embodied.policy.motions import ActionSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.scripts import Scripts
from autoglm_embodied.types import Camera, Frame, Intent

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


@pytest.mark.parametrize(
    ("instruction", "outcome", "said"),
    [
        ("on the moon's left of it", Outcome.UNKNOWN_WORDS, "says no place"),
        ("left of the purple elephant", Outcome.UNKNOWN_WORDS, "elephant"),
        ("under the red cube", Outcome.NOT_POSSIBLE, "cannot be put under"),
        ("in the tray", Outcome.NOT_POSSIBLE, "tray_xy_m"),
    ],
)
def test_a_place_that_is_none_ends_at_once_in_one_sentence(
    pipeline: Pipeline, instruction: str, outcome: Outcome, said: str
) -> None:
    controller = GraspController(pipeline, GraspSettings())
    step(controller, 200)
    turned = controller.step(201 * MS, 201 * MS, Goal(Intent.PLACE, instruction), None)
    assert turned.acting and turned.command is None and turned.episode is not None
    assert turned.episode.outcome is outcome and said in turned.episode.message


def test_a_goal_ends_with_the_outcome_that_it_is_told(pipeline: Pipeline) -> None:
    controller = GraspController(pipeline, GraspSettings())
    step(controller, 200)
    for at_ms, intent in ((210, Intent.RELEASE), (220, Intent.GRASP)):
        goal = Goal(intent, "pick up the red cube" if intent is Intent.GRASP else "")
        assert controller.step(at_ms * MS, at_ms * MS, goal, None).acting
        turned = controller.step((at_ms + 1) * MS, (at_ms + 1) * MS, None, "Another came.", Outcome.PREEMPTED)
        assert turned.episode is not None and turned.episode.outcome is Outcome.PREEMPTED and turned.command is None
        assert not step(controller, at_ms + 2).acting


@pytest.mark.parametrize("put_down_first", [True, False])
def test_a_grasp_while_holding_asks_or_puts_down_first(pipeline: Pipeline, put_down_first: bool) -> None:
    settings = GraspSettings()
    controller = GraspController(pipeline, settings, Scripts(ActionSettings(put_down_first=put_down_first), settings))
    step(controller, 200)
    rest(pipeline, 200, 400, width_m=0.04)
    step(controller, 400)
    phases = []
    for at_ms in range(400, 4000, 33):
        rest(pipeline, at_ms, at_ms + 33, width_m=0.04)
        turned = step(controller, at_ms + 33, begin=None if phases else "pick up the blue ball")
        assert turned.episode is not None and (turned.command is None or not turned.command.twist.any())
        phases.append(turned.episode.phase_name)
        if turned.episode.over:
            break
    assert turned.episode is not None and turned.episode.instruction == "pick up the blue ball"
    # A hand that never carries weight is not put down: it may stand, or be fixed.
    outcome = Outcome.UNCONFIRMED if put_down_first else Outcome.HAND_NOT_EMPTY
    assert turned.episode.outcome is outcome and ("feel" in phases) is put_down_first


def test_the_grasp_begins_once_what_was_held_is_put_down_and_not_where_that_fails() -> None:
    for place_fails in (False, True):
        hand = SimpleHand(floor_m=0.1 if place_fails else -1.0)
        scripts = Scripts(ActionSettings(), GraspSettings())
        place = MotionEpisode("here", 0, scripts.of(Goal(Intent.PLACE, slots={"relation": "here"})), 60.0, 2.0)
        both = PutDownFirst(place, lambda now_ns: GraspEpisode("the ball", now_ns, GraspSettings()), "the ball", 0)
        hand.run(both, 800)
        assert hand.held_m == (0.04 if place_fails else 0.0)
        assert both.outcome is (Outcome.NO_SUPPORT if place_fails else Outcome.RUNNING)
        assert both.phase_name == ("lower" if place_fails else "idle")
