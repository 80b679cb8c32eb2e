"""An object that is lost from the hand is never told to be held, whenever it is lost and wherever it goes.

`AUTOGLM_LOST_GOALS=200 python -m pytest -m slow tests/sim/eval/test_lost_object.py -rP --timeout 0` tries more goals.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from autoglm_embodied_sim.eval.learned_episode import fresh_pipeline
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import GraspTask, lay_out_task, put_away
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.model.checkpoint import SHIPPED
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspEpisode, GraspSettings
from autoglm_embodied.types import Phase

GOALS = int(os.environ.get("AUTOGLM_LOST_GOALS", "1"))
BESIDE_M = np.array([0.0, 0.12, 0.0])
Lose = Callable[[GraspTask[Arm]], None]


def vanish(task: GraspTask[Arm]) -> None:
    """The object is nowhere any more."""
    assert task.target is not None
    put_away(task.rig, task.target)


def slip(task: GraspTask[Arm]) -> None:
    """The object lies beside where it was, as if the fingers had let it go."""
    assert task.target is not None
    rig = task.rig
    at_m = rig.truth.position_m(rig.data)[task.target]
    at_m[2] = task.rest_height_m[task.target]
    rig.truth.place(rig.data, task.target, at_m + BESIDE_M, np.array([1.0, 0, 0, 0]))


def outcome_of(seed: int, lost_in: Phase, lose: Lose) -> tuple[Outcome, bool, bool]:
    """How a goal of the shipped policy ended whose object is lost once in this phase.

    Returns:
        The outcome, whether the object was lost, and whether the judge found it held in the end.
    """
    suite = suite_named("primitives")
    task = lay_out_task(suite, sample_grasp_scene(suite, (), seed), LEARNING_GRAMMAR, partial(Arm))
    try:
        rollout = SimulatedRollout(task.rig.rig, pipeline := fresh_pipeline(SHIPPED))
        rollout.settle()
        controller, begin, lost = GraspController(pipeline, GraspSettings()), task.words, False
        while True:
            step = rollout.sense(controller, begin)
            begin = None
            episode = step.episode
            if episode is not None and episode.over:
                return episode.outcome, lost, judge(task.rig, task.rest_height_m).held == (task.target,)
            if isinstance(episode, GraspEpisode) and episode.phase is lost_in and not lost:
                lose(task)
                lost = True
            rollout.advance(step.command)
    finally:
        task.rig.close()


@pytest.mark.slow
@pytest.mark.parametrize(("lost_in", "lose"), [(Phase.LIFT, vanish), (Phase.HOLD, vanish), (Phase.LIFT, slip)])
def test_a_lost_object_is_told_to_be_held_only_where_it_was_grasped_again(lost_in: Phase, lose: Lose) -> None:
    torch.set_num_threads(1)
    ended = Counter[tuple[str, bool]]()
    for seed in range(1, 1 + GOALS):
        outcome, lost, held = outcome_of(seed, lost_in, lose)
        ended[outcome.word, held] += lost
    print({f"{word}, {'held' if held else 'not held'}": count for (word, held), count in ended.items()})
    assert ended.total() > 0 and not ended[Outcome.HELD.word, False]
