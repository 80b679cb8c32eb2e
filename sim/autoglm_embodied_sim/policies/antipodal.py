"""The best pair of edges that face each other, once."""

from __future__ import annotations

from functools import partial

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import antipodal_grasps
from autoglm_embodied_sim.policies.baseline import PolicyReport
from autoglm_embodied_sim.policies.choice import best_object
from autoglm_embodied_sim.policies.grasp import Grasp, grasp_at, grasp_blindly
from autoglm_embodied_sim.policies.height_map import HeightMap, height_map
from autoglm_embodied_sim.policies.pca import middle_grasp
from autoglm_embodied_sim.robots.hand_rig import HandRig


class Antipodal:
    """Looks once and grasps open loop."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline."""
        heights = height_map(rig.look())
        obj = best_object(heights, partial(antipodal_grasps, heights)) if target is None else target
        grasp = None if obj is None else best_grasp(heights, obj)
        if grasp is None:
            return PolicyReport(0, 1, False)
        grasp_blindly(rig, grasp)
        return PolicyReport(1, 1, True)


def best_grasp(heights: HeightMap, obj: int) -> Grasp | None:
    """The candidate with the highest score, the one across the middle if there is none, None for an unseen object."""
    found = antipodal_grasps(heights, obj)
    return grasp_at(found, int(np.argmax(found.score))) if len(found) else middle_grasp(heights, obj)
