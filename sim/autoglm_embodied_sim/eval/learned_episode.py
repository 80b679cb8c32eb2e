"""The learned policy in the suites: the same scenes and the same judge, but nothing to go by than sensors and words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from autoglm_embodied.policy.grasp_controller import GraspSettings, Outcome
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult
from autoglm_embodied_sim.eval.primitive_evaluation import act, fresh_pipeline
from autoglm_embodied_sim.eval.scenario import Scenario
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.language.instruction import instruct, words_for
from autoglm_embodied_sim.lift_and_shake import lift_and_shake_test
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out

REFUSALS = (Outcome.NOT_FOUND, Outcome.AMBIGUOUS, Outcome.UNKNOWN_WORDS)


def run_learned_episode(
    scenario: Scenario, checkpoint: Path, without: Sequence[str] = (), album: Album | None = None
) -> GraspResult:
    """Lay out a scene, say its instruction, let the policy act, judge; a function of its arguments alone.

    Every closing of the fingers counts as an approach, and as a try.
    """
    torch.set_num_threads(1)  # more would fight over the cores with other workers
    suite, scene = scenario.suite, scenario.scene()
    arm = lay_out(suite, scene, Arm)
    try:
        rest_m = arm.truth.position_m(arm.data)
        instruction = instruct(suite, scene, rest_m, scenario.grammar)
        target = scene.target if instruction is None else instruction.target
        pipeline = fresh_pipeline(checkpoint)
        if album is not None:
            album.before(arm, target)
        rollout = SimulatedRollout(arm.rig, pipeline.aligner, feels="force" not in without)
        rollout.settle()
        acted = act(pipeline, rollout, words_for(instruction, scene), GraspSettings(), without)
        raised = lift_and_shake_test(arm, rest_m[:, 2]).raised
        if album is not None:
            album.after(arm, target, not raised)
    finally:
        arm.close()
    return GraspResult(
        suite=suite.name,
        policy=LEARNED,
        seed=scenario.seed,
        target="" if target is None else scene.objects[target].name,
        held=raised == (target,),
        wrong_object=any(obj != target for obj in raised),
        approaches=acted.tries,
        tries=acted.tries,
        confident=acted.outcome is Outcome.HELD,
        seconds=acted.seconds,
        instruction=words_for(instruction, scene),
        kind=None if instruction is None else instruction.kind.value,
        refused=acted.outcome in REFUSALS,
        peak_force_n=acted.peak_n,
    )
