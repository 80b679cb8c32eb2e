"""One episode of a baseline in a suite, judged by the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoglm_embodied_sim.baselines.registry import baseline_named
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
    target: str
    held: bool  # the named item and no other, after lift and shake
    wrong_object: bool
    approaches: int
    tries: int
    sure: bool
    seconds: float  # simulated, until the policy was done

    @property
    def first_descent(self) -> bool:
        """Whether the first descent was enough."""
        return self.held and self.approaches <= 1

    @property
    def strict(self) -> bool:
        """Whether three descents were enough, those included that were broken off or took a neighbour."""
        return self.held and self.approaches <= STRICT_APPROACHES


def run_grasp_episode(
    suite: Suite, policy: str, shapes: Sequence[Shape], seed: int, rig_name: str = "gantry"
) -> GraspResult:
    """Lay out the scene of a seed, let the policy act, judge; a function of its arguments alone."""
    baseline = baseline_named(policy)
    scene = sample_grasp_scene(suite, shapes, seed)
    rig = lay_out(suite, scene, rig_named(rig_name))
    try:
        rest_height_m = rig.truth.position_m(rig.data)[:, 2]
        began_ns = rig.time_ns
        told = baseline.run(rig, scene.target, np.random.default_rng([seed, 1]))
        seconds = (rig.time_ns - began_ns) / 1e9
        raised = raised_items(rig, rest_height_m)
    finally:
        rig.close()
    return GraspResult(
        suite=suite.name,
        policy=policy,
        seed=seed,
        target=scene.items[scene.target].name,
        held=raised == (scene.target,),
        wrong_object=any(item != scene.target for item in raised),
        approaches=told.approaches,
        tries=told.tries,
        sure=told.sure,
        seconds=seconds,
    )
