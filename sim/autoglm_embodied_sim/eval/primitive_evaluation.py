"""Fresh episodes of the learned policy in the simulator, judged by the simulator once the policy says it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from autoglm_embodied.data.workers import end_with_parent
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.train.instructions import naming, random_verb
from autoglm_embodied_sim.eval.ablation import ablation
from autoglm_embodied_sim.eval.learned_episode import act, fresh_pipeline
from autoglm_embodied_sim.eval.primitive_results import EpisodeResult
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.primitive_judge import judge
from autoglm_embodied_sim.robots.panda import ArmRig
from autoglm_embodied_sim.scenes.primitive_scene import Scene, sample_scene

THINGS = 3
TEST_SEED = 900_000
"""Added to every seed: no collection reaches these scenes."""


def task(seed: int) -> tuple[Scene, int, str]:
    """Scene, index of the named thing and sentence of an episode; a function of the seed alone."""
    rng = np.random.default_rng(TEST_SEED + seed)
    scene = sample_scene(rng, count=THINGS, unique=True)
    target = int(rng.integers(THINGS))
    said = naming([(thing.colour, thing.shape) for thing in scene.things], target, rng)
    return scene, target, said.sentence(random_verb(rng))


def run_episode(pipeline: Pipeline, rig: ArmRig, seed: int, settings: GraspSettings) -> EpisodeResult:
    """Lay out the scene of a seed, let the policy act without some of its senses, then judge."""
    scene, target, sentence = task(seed)
    rollout = SimulatedRollout(rig, pipeline)
    rollout.begin(scene)
    acted = act(pipeline, rollout, sentence, settings)
    verdict = judge(rig, target)
    wrong = any(index != target for index in verdict.held_things)
    outcome = acted.outcome.value
    return EpisodeResult(seed, sentence, outcome, verdict.held, wrong, acted.tries, acted.seconds, acted.peak_force_n)


def evaluate(
    checkpoint: Path,
    seeds: list[int],
    workers: int = 1,
    progress: Callable[[EpisodeResult], None] | None = None,
    without: Sequence[str] = (),
) -> list[EpisodeResult]:
    """Episodes of `seeds`, in order; the same for any number of workers.

    Args:
        checkpoint: folder of the policy.
        seeds: one an episode.
        workers: processes.
        progress: called with each result.
        without: senses withheld from the policy, of `ablation.ABLATIONS`.
    """
    withheld = ablation(without)
    with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        results = []
        for result in pool.map(partial(_episode, checkpoint, withheld), seeds):
            results.append(result)
            if progress is not None:
                progress(result)
    return results


def one_thread() -> None:
    """Begin a worker that computes on one thread and ends with its parent."""
    end_with_parent()
    torch.set_num_threads(1)


def _episode(checkpoint: Path, without: tuple[str, ...], seed: int) -> EpisodeResult:
    return run_episode(fresh_pipeline(checkpoint, without), ArmRig(seed=seed), seed, GraspSettings())
