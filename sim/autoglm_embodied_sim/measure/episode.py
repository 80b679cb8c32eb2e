"""One episode of a baseline in a suite, judged by the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoglm_embodied_sim.baselines.registry import baseline_named
from autoglm_embodied_sim.language.for_learning import LEARNING_GRAMMAR
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.language.instruction import Instruction, instruct
from autoglm_embodied_sim.measure.trial import raised_items
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.suites.layout import lay_out, rig_named
from autoglm_embodied_sim.suites.scene import sample_grasp_scene
from autoglm_embodied_sim.suites.suite import Suite

STRICT_APPROACHES = 3


@dataclass(frozen=True)
class GraspResult:
    """How one episode ended."""

    suite: str
    policy: str
    seed: int
    target: str  # colour and shape of the named item; empty where none is
    held: bool  # the named item and no other, after lift and shake
    wrong_object: bool
    approaches: int
    tries: int
    sure: bool
    seconds: float  # simulated, until the policy was done
    instruction: str | None = None  # the sentence; None where no clear one names the target
    kind: str | None = None  # how many objects it fits: one, none or many; only with one is there something to grasp
    refused: bool = False  # the policy itself found that the words fit none, or several

    @property
    def first_descent(self) -> bool:
        """Whether the first descent was enough."""
        return self.held and self.approaches <= 1

    @property
    def strict(self) -> bool:
        """Whether three descents were enough, those included that were broken off or took a neighbour."""
        return self.held and self.approaches <= STRICT_APPROACHES


def run_grasp_episode(
    suite: Suite,
    policy: str,
    shapes: Sequence[Shape],
    seed: int,
    rig_name: str = "gantry",
    grammar: Grammar = LEARNING_GRAMMAR,
) -> GraspResult:
    """Lay out the scene of a seed, let the policy act, judge; a function of its arguments alone.

    Baselines are told which item is meant. Where the instruction fits none or several, they are told so and do nothing.
    """
    baseline = baseline_named(policy)
    scene = sample_grasp_scene(suite, shapes, seed)
    rig = lay_out(suite, scene, rig_named(rig_name))
    try:
        rest_m = rig.truth.position_m(rig.data)
        rest_height_m, instruction = rest_m[:, 2], instruct(suite, scene, rest_m, grammar)
        if instruction is not None and instruction.target is None:
            return nothing_to_grasp(suite, policy, seed, instruction)
        target = scene.target if instruction is None or instruction.target is None else instruction.target
        began_ns = rig.time_ns
        told = baseline.run(rig, target, np.random.default_rng([seed, 1]))
        seconds = (rig.time_ns - began_ns) / 1e9
        raised = raised_items(rig, rest_height_m)
    finally:
        rig.close()
    return GraspResult(
        suite=suite.name,
        policy=policy,
        seed=seed,
        target=scene.items[target].name,
        held=raised == (target,),
        wrong_object=any(item != target for item in raised),
        approaches=told.approaches,
        tries=told.tries,
        sure=told.sure,
        seconds=seconds,
        instruction=None if instruction is None else instruction.text,
        kind=None if instruction is None else instruction.kind.value,
    )


def nothing_to_grasp(suite: Suite, policy: str, seed: int, instruction: Instruction) -> GraspResult:
    """The result of a policy that was told that there is nothing to grasp, and did nothing."""
    text, kind = instruction.text, instruction.kind.value
    return GraspResult(suite.name, policy, seed, "", False, False, 0, 0, False, 0.0, text, kind)
