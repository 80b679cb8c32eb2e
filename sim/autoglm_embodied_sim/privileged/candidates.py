"""Grasps worth trying out, best first and no two alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.baselines.antipodal_search import LOWEST_TIP_M, antipodal_grasps
from autoglm_embodied_sim.baselines.feeling import same
from autoglm_embodied_sim.baselines.grasp import Grasp, grasp_at
from autoglm_embodied_sim.baselines.height_map import HeightMap
from autoglm_embodied_sim.gantry.rig import MAX_WIDTH_M, HandPose

COARSE_YAWS, COARSE_DEPTHS_M = 8, (0.03, 0.018)


def distinct_grasps(
    heights: HeightMap, item: int, centre_m: FloatArray, avoided: Sequence[Grasp], most: int
) -> list[Grasp]:
    """Up to `most` antipodal grasps of an item, each unlike those before it and those to avoid.

    Args:
        heights: of the table as it is.
        item: whose surface to take.
        centre_m: (3,) its centre of mass.
        avoided: grasps that failed.
        most: how many at most.
    """
    found = antipodal_grasps(heights, item, preshape=True)
    found = replace(found, off_centre_m=np.linalg.norm(found.centre_m - centre_m[:2], axis=1))
    found = found.where(np.argsort(-found.score, kind="stable"))
    for grasp in avoided:
        found = found.where(~same(found, grasp))
    chosen: list[Grasp] = []
    while len(found) and len(chosen) < most:
        chosen.append(grasp_at(found, 0))
        found = found.where(~same(found, chosen[-1]))
    return chosen


def coarse_grasps(heights: HeightMap, item: int, centre_m: FloatArray) -> list[Grasp]:
    """Grasps through the centre of mass, all around, wide open: for what shows no pair of edges."""
    mine = heights.owner == item
    if not mine.any():
        return []
    top = float(np.quantile(heights.height_m[mine], 0.98))
    x, y = float(centre_m[0]), float(centre_m[1])
    return [
        Grasp(HandPose(x, y, max(LOWEST_TIP_M, top - depth), float(yaw)), MAX_WIDTH_M)
        for depth in COARSE_DEPTHS_M
        for yaw in np.linspace(-np.pi / 2, np.pi / 2, COARSE_YAWS, endpoint=False)
    ]
