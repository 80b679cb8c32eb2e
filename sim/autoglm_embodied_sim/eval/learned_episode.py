"""The learned policy in the suites: the same scenes and the same judge, but nothing to go by than sensors and words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.grasping.force_feedback import PolicyReport
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.policy.goal import REFUSALS, Outcome
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.learned import load_policy
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.types import Observation
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.altered_senses import AlteredSenses
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult, Scenario, judged
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out_task
from autoglm_embodied_sim.sensors.sensor_specs import PANDA


@dataclass(frozen=True)
class Acted:
    """What a policy made of an instruction, by its own account."""

    outcome: Outcome
    tries: int
    seconds: float
    peak_force_n: float | None  # of the tared wrist; None where nothing was felt


def act(pipeline: Pipeline, rollout: SimulatedRollout, instruction: str, settings: GraspSettings) -> Acted:
    """Give the instruction and let the grasp controller drive the arm until the grasp has an outcome.

    Args:
        pipeline: of the policy; modalities withheld from it are absent.
        rollout: the arm, settled.
        instruction: the sentence.
        settings: of the grasp.
    """
    controller, rig = GraspController(pipeline, settings), rollout.rig
    began_ns = rig.time_ns
    begin: str | None = instruction
    peak_n: float | None = None
    while True:
        step = rollout.sense(controller, begin)
        begin = None
        rollout.advance(step.command)
        force = step.tick.observation.force.value
        if force is not None:
            peak_n = max(peak_n or 0.0, float(np.linalg.norm(force.raw[:, :3], axis=1).max()))
        if step.episode is not None and step.episode.over:
            break
    return Acted(step.episode.outcome, step.episode.tries, (rig.time_ns - began_ns) / 1e9, peak_n)


class AlteredAligner(Aligner):
    """Aligns what it is given, and then shows the policy something else of it.

    Args:
        robot: whose kinematics tell where the tool is.
        senses: of the policy.
    """

    def __init__(self, robot: Robot, senses: AlteredSenses) -> None:
        super().__init__(AlignSettings(), partial(forward_kinematics, robot))
        self._senses = senses

    def observe(self, t_ns: int, now_receive_ns: int | None = None) -> Observation:
        """See Aligner."""
        return self._senses.observation(super().observe(t_ns, now_receive_ns))


def fresh_pipeline(checkpoint: Path, senses: AlteredSenses | None = None, robot: Robot = PANDA) -> Pipeline:
    """The pipeline of a checkpoint with nothing sensed yet.

    Args:
        checkpoint: folder.
        senses: None where nothing is altered.
        robot: that it drives.
    """
    senses = senses or AlteredSenses()
    policy = load_policy(checkpoint, AlignSettings(), robot.joints)
    return Pipeline(AlteredAligner(robot, senses), policy, senses.missing)


def run_learned_episode(
    scenario: Scenario, checkpoint: Path, senses: AlteredSenses | None = None, album: Album | None = None
) -> GraspResult:
    """Lay out a scene, say its instruction, let the policy act, judge; a function of its arguments alone.

    Every closing of the fingers counts as an approach, and as a try.
    """
    torch.set_num_threads(1)  # more would fight over the cores with other workers
    task = lay_out_task(scenario.suite, scenario.scene(), scenario.grammar, partial(Arm, robot=scenario.robot))
    arm, senses = task.rig, senses or AlteredSenses()
    words = senses.words(task.words)
    try:
        pipeline = fresh_pipeline(checkpoint, senses, scenario.robot)
        if album is not None:
            album.before(arm, task.target)
        rollout = SimulatedRollout(arm.rig, pipeline)
        rollout.settle()
        acted = act(pipeline, rollout, words, GraspSettings())
        verdict = judge(arm, task.rest_height_m)
        if album is not None:
            album.after(arm, task.target, not verdict.held)
    finally:
        arm.close()
    return judged(
        scenario,
        LEARNED,
        task,
        verdict,
        PolicyReport(approaches=acted.tries, tries=acted.tries, confident=acted.outcome is Outcome.HELD),
        seconds=acted.seconds,
        instruction=words,
        refused=acted.outcome in REFUSALS,
        peak_force_n=None if senses.alters("force") else acted.peak_force_n,
    )
