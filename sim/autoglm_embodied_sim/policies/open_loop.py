"""Baselines that look once and grasp whatever comes: random edges, across the middle, or the best pair of edges."""

from __future__ import annotations

from functools import partial

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import (
    DEEPEST_M,
    LOWEST_TIP_M,
    antipodal_grasps,
    best_object,
    highest_object,
    in_sight,
    joined,
)
from autoglm_embodied_sim.policies.baseline import PolicyReport
from autoglm_embodied_sim.policies.grasp import Grasp, grasp_at, grasp_blindly
from autoglm_embodied_sim.policies.height_map import CELL_M, HALF_M, HeightMap, height_map
from autoglm_embodied_sim.robots.hand_rig import HandPose, HandRig


class Pca:
    """Looks once and grasps open loop; where any object will do, the highest."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline."""
        heights = height_map(rig.look())
        obj = highest_object(heights) if target is None else target
        grasp = None if obj is None else middle_grasp(heights, obj)
        if grasp is None:
            return PolicyReport(0, 1, False)
        grasp_blindly(rig, grasp)
        return PolicyReport(1, 1, True)


def middle_grasp(heights: HeightMap, obj: int) -> Grasp | None:
    """The grasp across the longer axis of an object's visible surface; None if nothing of it is seen."""
    mine = heights.owner == obj
    if not mine.any():
        return None
    rows, columns = np.nonzero(mine)
    points = (np.stack([columns, rows], axis=1) + 0.5) * CELL_M - HALF_M
    spread = np.cov(points.T) if len(points) > 1 else np.eye(2)
    longer = np.linalg.eigh(spread)[1][:, 1]
    yaw = float(np.arctan2(longer[1], longer[0]))  # at yaw 0 the fingers close along y, across x
    top = float(np.quantile(heights.height_m[mine], 0.95))
    x, y = (float(value) for value in points.mean(axis=0))
    tip = max(LOWEST_TIP_M, top - DEEPEST_M)
    return Grasp(HandPose(x, y, tip, (yaw + np.pi / 2) % np.pi - np.pi / 2))


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
