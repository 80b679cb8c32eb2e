"""Any two edges of the object that face each other, drawn at random."""

from __future__ import annotations

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import antipodal_grasps, joined
from autoglm_embodied_sim.policies.baseline import PolicyReport
from autoglm_embodied_sim.policies.choice import in_sight
from autoglm_embodied_sim.policies.grasp import grasp_at, grasp_blindly
from autoglm_embodied_sim.policies.height_map import height_map
from autoglm_embodied_sim.robots.hand_rig import HandRig


class RandomEdges:
    """Looks once, draws one candidate and grasps open loop."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline."""
        heights = height_map(rig.look())
        objects = in_sight(heights) if target is None else [target]
        found = joined([antipodal_grasps(heights, obj) for obj in objects])
        if len(found) == 0:
            return PolicyReport(0, 1, False)
        grasp_blindly(rig, grasp_at(found, int(rng.integers(len(found)))))
        return PolicyReport(1, 1, True)
