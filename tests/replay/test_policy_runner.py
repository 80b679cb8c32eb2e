"""A replay drives the grasp controller with the governor behind it, whatever policy is plugged in."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.cdr import SpokenCommand
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.replay.runners import PolicyRunner
from autoglm_embodied.safety.governor import Governor, GovernorLoop
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import ActionChunk, Camera, FloatArray, Frame, Intent, Observation, Phase, Referent

MS = 1_000_000
TICK_MS = 33
READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])
CAMERA = Camera(4, 4, np.array([[4.0, 0, 2], [0, 4, 2], [0, 0, 1]]), np.eye(4))
ROBOT = Robot.from_file(shipped("panda.yaml"))


class Hasty:
    """A scripted policy that rushes sideways."""

    def encode(self, frame: Frame) -> FloatArray:
        return np.ones((1, 4), np.float32)

    def act(self, observation: Observation) -> ActionChunk:
        twist = np.tile([0.0, 5.0, 0.0, 0.0, 0.0, 0.0], (2, 1))
        gate, latent, target_m = np.full(4, 0.25), np.zeros(2), np.zeros(3)
        phase, referent, width_m = Phase.REACH, Referent.ONE, np.full(2, 0.05)
        return ActionChunk(observation.t_ns, TICK_MS * MS, twist, width_m, phase, referent, target_m, gate, latent)

    def reset(self, instruction: str) -> None:
        """Nothing to forget."""


@pytest.fixture
def runner() -> PolicyRunner:
    aligner = Aligner(AlignSettings(), lambda position: forward_kinematics(ROBOT, position))
    controller = GraspController(Pipeline(aligner, Hasty()), GraspSettings(look_ticks=1))
    return PolicyRunner(controller, GovernorLoop(Governor(Limits()), ROBOT))


def run(runner: PolicyRunner, ticks: range) -> None:
    """The sensor data of the time of some ticks, and these."""
    for begin_ms in (number * TICK_MS for number in ticks):
        for ms in range(begin_ms, begin_ms + TICK_MS):
            runner.push_wrench(ms * MS, ms * MS, np.array([0.0, 0.0, -7.0 + 1e-3 * np.sin(ms), 0.0, 0.0, 0.0]))
            runner.push_joints(ms * MS, ms * MS, READY_RAD, np.zeros(9))
        end_ns = (begin_ms + TICK_MS) * MS
        runner.push_frame(Frame(end_ns, np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32), CAMERA), end_ns)
        runner.tick((end_ns, end_ns))


def say(runner: PolicyRunner, intent: Intent, instruction: str = "") -> None:
    runner.on_voice(SpokenCommand(0, intent, instruction, instruction, "en", 1.0, 0, 0), 0)


def test_a_hasty_policy_is_limited_by_the_governor(runner: PolicyRunner) -> None:
    run(runner, range(10))
    say(runner, Intent.GRASP, "pick up the red cube")
    run(runner, range(10, 30))
    assert runner.commands > 0 and runner.limited == runner.commands
    assert runner.verdict is not None and Reason.SPEED in runner.verdict.reasons
    assert 0 < np.linalg.norm(runner.verdict.twist[:3]) <= Limits().max_linear_m_s + 1e-9


def test_a_stop_reaches_the_governor_and_lasts_until_resume(runner: PolicyRunner) -> None:
    run(runner, range(10))
    say(runner, Intent.GRASP, "pick up the red cube")
    run(runner, range(10, 15))
    assert runner.verdict is not None and runner.verdict.twist.any()
    say(runner, Intent.STOP)
    run(runner, range(15, 16))
    say(runner, Intent.GRASP, "pick up the blue ball")
    run(runner, range(16, 20))
    assert Reason.STOPPED in runner.verdict.reasons and not runner.verdict.twist.any()
    say(runner, Intent.RESUME)
    commands = runner.commands
    run(runner, range(20, 25))
    assert runner.commands == commands and not runner.verdict.twist.any(), "what was said in the stop is refused"
    say(runner, Intent.GRASP, "pick up the blue ball")
    run(runner, range(25, 30))
    assert runner.verdict.twist.any()
