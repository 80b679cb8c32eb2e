"""The learned policy in the suites: the same scenes and the same judge, but nothing to go by than sensors and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings, Outcome
from autoglm_embodied.policy.learned import load_pipeline
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult, Scenario, judged
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.policies.baselines import PolicyReport
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out_task

REFUSALS = (Outcome.NOT_FOUND, Outcome.AMBIGUOUS, Outcome.UNKNOWN_WORDS)


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


def fresh_pipeline(checkpoint: Path, without: Sequence[str] = ()) -> Pipeline:
    """The pipeline of a checkpoint with nothing sensed yet, without some modalities."""
    return load_pipeline(checkpoint, Robot.from_file(shipped("panda.yaml")), AlignSettings(), without=tuple(without))


def run_learned_episode(
    scenario: Scenario, checkpoint: Path, without: Sequence[str] = (), album: Album | None = None
) -> GraspResult:
    """Lay out a scene, say its instruction, let the policy act, judge; a function of its arguments alone.

    Every closing of the fingers counts as an approach, and as a try.
    """
    torch.set_num_threads(1)  # more would fight over the cores with other workers
    task = lay_out_task(scenario.suite, scenario.scene(), scenario.grammar, Arm)
    arm = task.rig
    try:
        pipeline = fresh_pipeline(checkpoint, without)
        if album is not None:
            album.before(arm, task.target)
        rollout = SimulatedRollout(arm.rig, pipeline)
        rollout.settle()
        acted = act(pipeline, rollout, task.words, GraspSettings())
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
        instruction=task.words,
        refused=acted.outcome in REFUSALS,
        peak_force_n=acted.peak_force_n,
    )
