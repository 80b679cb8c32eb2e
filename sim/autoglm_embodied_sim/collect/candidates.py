"""Grasps to learn from: good ones, good ones spoilt a little, and any at all."""

from __future__ import annotations

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import (
    DEEPEST_M,
    LOWEST_TIP_M,
    SHALLOWEST_M,
    Grasps,
    antipodal_grasps,
)
from autoglm_embodied_sim.policies.grasp import Grasp, grasp_at
from autoglm_embodied_sim.policies.height_map import CELL_M, HALF_M, HeightMap
from autoglm_embodied_sim.robots.hand_rig import MAX_WIDTH_M, HandPose

ANTIPODAL, SPOILT = 0.4, 0.3  # shares; the rest is drawn over what is seen of the object
SPOILT_M, SPOILT_TIP_M, SPOILT_RAD = 0.008, 0.006, 0.4
NARROWEST_M = 0.03
WIDE_OPEN = 0.4  # of the grasps


def varied_grasps(heights: HeightMap, obj: int, rng: np.random.Generator, count: int) -> list[Grasp]:
    """Draw grasps of an object that is seen, as the believed camera shows it.

    Args:
        heights: height map of the scene, table frame.
        obj: index of the object.
        rng: draws them.
        count: how many.
    """
    found = antipodal_grasps(heights, obj, preshape=bool(rng.random() < 0.5))
    return [_grasp(heights, obj, found, rng) for _ in range(count)]


def _grasp(heights: HeightMap, obj: int, found: Grasps, rng: np.random.Generator) -> Grasp:
    kind = rng.random()
    if kind > ANTIPODAL + SPOILT or len(found) == 0:
        return _anywhere(heights, obj, rng)
    grasp = grasp_at(found, int(rng.integers(len(found))))
    return grasp if kind < ANTIPODAL else _spoilt(grasp, rng)


def _spoilt(grasp: Grasp, rng: np.random.Generator) -> Grasp:
    x, y, z, yaw = grasp.pose.values + rng.standard_normal(4) * [SPOILT_M, SPOILT_M, SPOILT_TIP_M, SPOILT_RAD]
    return Grasp(HandPose(float(x), float(y), max(LOWEST_TIP_M, float(z)), _wrapped(yaw)), _opening(rng))


def _anywhere(heights: HeightMap, obj: int, rng: np.random.Generator) -> Grasp:
    rows, columns = np.nonzero(heights.owner == obj)
    cell = int(rng.integers(len(rows)))
    x, y = (CELL_M * (float(index[cell]) + 0.5) - HALF_M for index in (columns, rows))
    top = float(heights.height_m[rows[cell], columns[cell]])
    tip = max(LOWEST_TIP_M, top - float(rng.uniform(SHALLOWEST_M, DEEPEST_M)))
    return Grasp(HandPose(x, y, tip, float(rng.uniform(-np.pi / 2, np.pi / 2))), _opening(rng))


def _opening(rng: np.random.Generator) -> float:
    return MAX_WIDTH_M if rng.random() < WIDE_OPEN else float(rng.uniform(NARROWEST_M, MAX_WIDTH_M))


def _wrapped(yaw_rad: float) -> float:
    return float((yaw_rad + np.pi / 2) % np.pi - np.pi / 2)
