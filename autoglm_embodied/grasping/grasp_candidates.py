"""Grasps of an object drawn at random, and what is seen around each: the same to learn from and to choose among."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.data.schemas import CROP_PIXEL_M, CROP_PIXELS
from autoglm_embodied.grasping.antipodal_search import DEEPEST_M, LOWEST_TIP_M, SHALLOWEST_M, Grasps, antipodal_grasps
from autoglm_embodied.grasping.grasp import Grasp, grasp_at
from autoglm_embodied.grasping.hand import MAX_WIDTH_M, HandPose
from autoglm_embodied.grasping.height_map import CELL_M, HALF_M, HeightMap
from autoglm_embodied.types import FloatArray

ANTIPODAL, SPOILT = 0.4, 0.3  # shares; the rest is drawn over what is seen of the object
SPOILT_M, SPOILT_TIP_M, SPOILT_RAD = 0.008, 0.006, 0.4
NARROWEST_M = 0.03
WIDE_OPEN = 0.4  # of the grasps
NEAR_M, NEAR_RAD, NEAR_OPENING_M = 0.003, 0.15, 0.008  # of perturbed grasps
AXIS_M: FloatArray = (np.arange(CROP_PIXELS) + 0.5 - CROP_PIXELS / 2) * CROP_PIXEL_M


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


def candidates(heights: HeightMap, obj: int, rng: np.random.Generator, count: int) -> list[Grasp]:
    """Grasps of an object to choose among, none if it is not seen; arguments as of `varied_grasps`.

    They are drawn as those that were learned from, with more of the antipodal ones, opened as far as needed or wide.
    """
    found = antipodal_grasps(heights, obj, preshape=True)
    if not (heights.owner == obj).any():
        return []
    wide = replace(found, opening_m=np.full(len(found), MAX_WIDTH_M))
    best = found.where(np.argsort(-found.score, kind="stable")[: count // 4])
    drawn = [_grasp(heights, obj, (found, wide)[number % 2], rng) for number in range(count - len(best))]
    return [grasp_at(best, index) for index in range(len(best))] + drawn


def perturbed(grasps: list[Grasp], rng: np.random.Generator, each: int) -> list[Grasp]:
    """Grasps a little off these, so many of each."""
    found = []
    for grasp in (grasp for grasp in grasps for _ in range(each)):
        x, y, z, yaw = grasp.pose.values + rng.standard_normal(4) * [NEAR_M, NEAR_M, NEAR_M, NEAR_RAD]
        pose = HandPose(float(x), float(y), max(LOWEST_TIP_M, float(z)), _wrapped(yaw))
        opening_m = float(np.clip(grasp.opening_m + NEAR_OPENING_M * rng.standard_normal(), NARROWEST_M, MAX_WIDTH_M))
        found.append(Grasp(pose, opening_m))
    return found


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


@dataclass(frozen=True)
class Crops:
    """What is measured around n grasps; rows run along y, columns along x."""

    height_m: NDArray[np.float16]  # (n, CROP_PIXELS, CROP_PIXELS) above the fingertips' goal
    target: NDArray[np.bool_]  # (n, CROP_PIXELS, CROP_PIXELS) shows the object that is wanted
    seen: NDArray[np.bool_]  # (n, CROP_PIXELS, CROP_PIXELS) a pixel of the camera fell here


def crops(heights: HeightMap, obj: int, grasps: Sequence[Grasp], offset_m: FloatArray | None = None) -> Crops:
    """Cut the map around grasps of an object; points off the map count to its edge.

    Args:
        heights: height map of the scene, table frame.
        obj: index of the object.
        grasps: n of them.
        offset_m: (n, 2) what seems to be so far away from a place, x and y, is taken to be there; none by default.
    """
    poses = np.array([grasp.pose.values for grasp in grasps])  # (n, 4)
    if offset_m is not None:
        poses[:, :2] += offset_m
    cos, sin = (turn(poses[:, 3])[:, None, None] for turn in (np.cos, np.sin))
    x, y = AXIS_M[None, None, :], AXIS_M[None, :, None]
    cells = heights.at(poses[:, 0, None, None] + cos * x - sin * y, poses[:, 1, None, None] + sin * x + cos * y)
    height = heights.height_m.take(cells) - poses[:, 2, None, None]
    seen = np.ones(height.shape, bool) if heights.seen is None else heights.seen.take(cells)
    return Crops(height.astype(np.float16), heights.owner.take(cells) == obj, seen)
