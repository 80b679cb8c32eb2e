"""Grasps worth trying out, best first and no two alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.policies.antipodal_search import DEEPEST_M, SHALLOWEST_M, antipodal_grasps
from autoglm_embodied_sim.policies.force_feedback import same
from autoglm_embodied_sim.policies.grasp import Grasp, grasp_at
from autoglm_embodied_sim.policies.height_map import HeightMap
from autoglm_embodied_sim.robots.hand_pose import MAX_WIDTH_M, HandPose

SCATTER_M, DEEP = 0.012, 0.5
LOWEST_SCATTERED_TIP_M = 0.001
"""Lower than a policy dares that does not know where the table is: a ledge 7 mm up a fingertip then carries an edge."""


def distinct_grasps(
    heights: HeightMap, obj: int, centre_m: FloatArray, avoided: Sequence[Grasp], most: int
) -> list[Grasp]:
    """Up to `most` antipodal grasps of an object, each unlike those before it and those to avoid.

    Args:
        heights: of the table as it is.
        object: whose surface to take.
        centre_m: (3,) its centre of mass.
        avoided: grasps that failed.
        most: how many at most.
    """
    found = antipodal_grasps(heights, obj, preshape=True)
    found = replace(found, off_centre_m=np.linalg.norm(found.centre_m - centre_m[:2], axis=1))
    found = found.where(np.argsort(-found.score, kind="stable"))
    for grasp in avoided:
        found = found.where(~same(found, grasp))
    chosen: list[Grasp] = []
    while len(found) and len(chosen) < most:
        chosen.append(grasp_at(found, 0))
        found = found.where(~same(found, chosen[-1]))
    return chosen


def scattered_grasps(
    heights: HeightMap, obj: int, centre_m: FloatArray, rng: np.random.Generator, count: int
) -> list[Grasp]:
    """Grasps at random about the centre of mass, wide open: what the outlines seen from above do not show.

    Many reach as deep as the hand can, where fingers get below what bulges.
    """
    mine = heights.owner == obj
    if not mine.any():
        return []
    top = float(np.quantile(heights.height_m[mine], 0.98))
    deepest = max(LOWEST_SCATTERED_TIP_M, top - DEEPEST_M)
    depth = rng.uniform(SHALLOWEST_M, DEEPEST_M, count)
    tip = np.where(rng.random(count) < DEEP, deepest, np.maximum(deepest, top - depth))
    place = centre_m[:2] + SCATTER_M * rng.standard_normal((count, 2))
    yaw = rng.uniform(-np.pi / 2, np.pi / 2, count)
    return [
        Grasp(HandPose(float(x), float(y), float(z), float(turn)), MAX_WIDTH_M)
        for (x, y), z, turn in zip(place, tip, yaw, strict=True)
    ]
