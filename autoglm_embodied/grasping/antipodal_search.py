"""Pairs of edges that face each other, between which the fingers may close; which object to take where any will do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.grasping.height_map import CELL_M, HALF_M, HeightMap
from autoglm_embodied.types import FloatArray

BoolArray = NDArray[np.bool_]

LOWEST_TIP_M = 0.004
SLICE_ABOVE_TIP_M = 0.006  # where the pads begin to hold
DEEPEST_M = 0.034  # below the top of what is between the fingers: deeper, it meets the palm
SHALLOWEST_M = 0.009
LEVELS = 6
MOST_CONTACTS = 110  # of an outline
TURNS_RAD = np.radians([-14.0, 0.0, 14.0])  # of the closing direction from the outline's normal
REACH_M = 0.084
PAD_HALF_M, FINGER_HALF_M, FINGER_THICK_M = 0.007, 0.0105, 0.016
WIDEST_M = 0.072
LEAST_FACING = 0.80
UNEVEN_M = 0.003
STEEP_M = 0.004
CLEARANCE_M = 0.003  # all around a finger
BLUR_CELLS = 9  # of the filter; it reaches half as far
BATCH = 48  # lines at a time, which the processor's cache holds
PRESHAPE_MARGIN_M = 0.009  # on both sides, where the opening is chosen


@dataclass(frozen=True)
class Grasps:
    """Candidates, one a row."""

    centre_m: FloatArray  # (n, 2)
    closing_rad: FloatArray  # (n,) direction along which the fingers close
    tip_m: FloatArray  # (n,) height of the fingertips
    width_m: FloatArray  # (n,) between the contacts
    opening_m: FloatArray  # (n,) of the hand when it comes down
    facing: FloatArray  # (n,) 1: the contacts face each other exactly
    share: FloatArray  # (n,) of the pads' width that touches at once
    rise_m: FloatArray  # (n,) of the surface within STEEP_M of the contacts: much where the sides are steep
    engaged_m: FloatArray  # (n,) how far the fingers reach down beside the object
    off_centre_m: FloatArray  # (n,) from the middle of the visible surface
    obstacle_m: FloatArray  # (n,) how far the highest point below a finger rises above the fingertips

    def __len__(self) -> int:
        return len(self.tip_m)

    def where(self, keep: BoolArray | NDArray[np.int64]) -> Grasps:
        """Some of them."""
        return Grasps(*(column[keep] for column in vars(self).values()))

    @property
    def score(self) -> FloatArray:
        """(n,) higher is better; only the order means something."""
        blocked = np.clip(self.obstacle_m + 0.002, 0, 0.05)
        engaged = np.minimum(self.engaged_m, 0.03)
        steep = np.clip(self.rise_m, 0, 0.012)
        held = 2 * self.facing + self.share + 80 * steep + 60 * engaged
        return np.asarray(held - 18 * self.off_centre_m - 60 * blocked - 4 * self.width_m)


def antipodal_grasps(heights: HeightMap, obj: int, preshape: bool = False) -> Grasps:
    """All candidates for an object, in no order.

    Args:
        heights: of the table.
        object: whose surface to take.
        preshape: open only as far as needed, rather than all the way.
    """
    mine = heights.owner == obj
    if not mine.any():
        return _none()
    return joined([_of_slice(heights, mine, tip, preshape) for tip in _levels(heights.height_m[mine])])


def joined(parts: Sequence[Grasps]) -> Grasps:
    """The candidates of all parts."""
    if not parts:
        return _none()
    return Grasps(*(np.concatenate(column) for column in zip(*(vars(part).values() for part in parts), strict=True)))


def _levels(surface_m: FloatArray) -> FloatArray:
    top, low = float(np.quantile(surface_m, 0.98)), float(np.quantile(surface_m, 0.05))
    highest = max(top - SHALLOWEST_M, LOWEST_TIP_M)
    lowest = max(LOWEST_TIP_M, min(top - DEEPEST_M, highest), low - DEEPEST_M)
    return np.unique(np.linspace(lowest, highest, LEVELS).round(4))


def _none() -> Grasps:
    return Grasps(np.zeros((0, 2)), *(np.zeros(0) for _ in range(10)))


def _of_slice(heights: HeightMap, mine: BoolArray, tip_m: float, preshape: bool) -> Grasps:
    """Candidates that touch the outline of what rises above the tips."""
    solid = mine & (heights.height_m > tip_m + SLICE_ABOVE_TIP_M)
    if not solid.any():
        return _none()
    pairs = _pairs(heights, solid)
    width = pairs.far - pairs.near
    centre = pairs.points((pairs.near + pairs.far) / 2)
    opening = np.minimum(width + 2 * PRESHAPE_MARGIN_M, MAX_WIDTH_M) if preshape else np.full(len(width), MAX_WIDTH_M)
    top, obstacle = _surroundings(heights, centre, pairs.angle, width, opening)
    rows, columns = np.nonzero(mine)
    middle = np.array([columns.mean(), rows.mean()]) * CELL_M - HALF_M
    rise = np.minimum(
        _above(heights, pairs.points(pairs.near + STEEP_M)), _above(heights, pairs.points(pairs.far - STEEP_M))
    )
    found = Grasps(
        centre_m=centre,
        closing_rad=pairs.angle,
        tip_m=np.full(len(width), tip_m),
        width_m=width,
        opening_m=opening,
        facing=pairs.facing,
        share=pairs.share,
        rise_m=rise - (tip_m + SLICE_ABOVE_TIP_M),
        engaged_m=top - tip_m,
        off_centre_m=np.linalg.norm(centre - middle, axis=1),
        obstacle_m=obstacle - tip_m,
    )
    return found.where(found.engaged_m < DEEPEST_M + 0.012)


@dataclass(frozen=True)
class _Pairs:
    """Contacts that face each other on lines through points of an outline, one pair a row."""

    start: FloatArray  # (n, 2) of the outline
    angle: FloatArray  # (n,) of the line
    near: FloatArray  # (n,) where the pads touch, along the line from the start
    far: FloatArray  # (n,)
    share: FloatArray  # (n,) see Grasps
    facing: FloatArray  # (n,)

    def points(self, along: FloatArray) -> FloatArray:
        """(n, 2) points of the lines, `along` (n,) from their starts."""
        return self.start + _way(self.angle) * along[:, None]


def _pairs(heights: HeightMap, solid: BoolArray) -> _Pairs:
    rows, columns = _outline(solid)
    slope = _slope(solid)
    normal = slope[rows, columns]
    angle = (np.arctan2(-normal[:, 1], -normal[:, 0])[:, None] + TURNS_RAD).ravel()
    start = np.repeat((np.stack([columns, rows], axis=1) + 0.5) * CELL_M - HALF_M, len(TURNS_RAD), axis=0)
    near, far, share = _span(heights, solid, start, angle)
    way = _way(angle)
    facing = np.minimum(
        -_along(heights, slope, start + way * near[:, None], way),
        _along(heights, slope, start + way * far[:, None], way),
    )
    fits = (far - near < WIDEST_M) & (far - near > CELL_M) & (facing > LEAST_FACING)
    return _Pairs(*(column[fits] for column in (start, angle, near, far, share, facing)))


def _way(angle: FloatArray) -> FloatArray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _slope(solid: BoolArray) -> FloatArray:
    """(rows, columns, 2) unit vectors [x, y] that point out of what is solid; 0 far from its outline."""
    slope = np.zeros((*solid.shape, 2), np.float32)
    rows = np.flatnonzero(solid.any(axis=1))  # whole rows: OpenCV rounds the last columns of an image its own way
    near = slice(max(0, rows[0] - BLUR_CELLS), rows[-1] + 1 + BLUR_CELLS)
    smooth = cv2.GaussianBlur(solid[near].astype(np.float32), (BLUR_CELLS, BLUR_CELLS), 1.8)
    outward = -np.stack([np.gradient(smooth, axis=1), np.gradient(smooth, axis=0)], axis=-1)
    slope[near] = outward / np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-6)
    return slope


def _outline(solid: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns (n,) of cells on the outline."""
    edge = solid & (cv2.erode(solid.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    rows, columns = np.nonzero(edge)
    if len(rows) > MOST_CONTACTS:
        chosen = np.linspace(0, len(rows) - 1, MOST_CONTACTS).astype(int)
        rows, columns = rows[chosen], columns[chosen]
    return rows, columns


def _span(
    heights: HeightMap, solid: BoolArray, start: FloatArray, angle: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where the pads touch first from both sides, along the closing direction from `start`, and with what share."""
    steps = np.arange(-REACH_M / 4, REACH_M + CELL_M / 4, CELL_M / 2)
    across = np.array([-PAD_HALF_M, -PAD_HALF_M / 2, 0.0, PAD_HALF_M / 2, PAD_HALF_M])
    first, last = np.full((len(start), len(across)), np.inf), np.full((len(start), len(across)), -np.inf)
    for begin in range(0, len(start), BATCH):
        part = slice(begin, begin + BATCH)
        hit = solid.take(_cells(heights, start[part], angle[part], steps, across[:, None]))  # (n, across, steps)
        ever = hit.any(axis=2)
        first[part][ever] = steps[np.argmax(hit, axis=2)][ever]
        last[part][ever] = steps[::-1][np.argmax(hit[:, :, ::-1], axis=2)][ever]
    near, far = first.min(axis=1), last.max(axis=1)
    share = np.minimum((first < near[:, None] + UNEVEN_M).mean(axis=1), (last > far[:, None] - UNEVEN_M).mean(axis=1))
    lost = ~np.isfinite(near)
    return np.where(lost, 0.0, near), np.where(lost, 0.0, far), share


def _cells(
    heights: HeightMap, centre: FloatArray, angle: FloatArray, forth: FloatArray, side: FloatArray
) -> NDArray[np.int64]:
    """(n, a, b) the cells of grids about `centre` (n, 2), turned by `angle` (n,).

    `forth`, along the closing direction, and `side`, across it, broadcast to (n, a, b).
    """
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    x, y = centre[:, :1, None] + cos * forth - sin * side, centre[:, 1:, None] + sin * forth + cos * side
    return heights.at(x, y)


def _along(heights: HeightMap, slope: FloatArray, at_m: FloatArray, way: FloatArray) -> FloatArray:
    """(n,) how much the outline's normal at these points looks along `way`."""
    return np.asarray(np.einsum("nc,nc->n", slope.reshape(-1, 2)[heights.at(at_m[:, 0], at_m[:, 1])], way))


def _above(heights: HeightMap, at_m: FloatArray) -> FloatArray:
    """(n,) height of the surface at these points."""
    return np.asarray(heights.height_m.take(heights.at(at_m[:, 0], at_m[:, 1])))


def _surroundings(
    heights: HeightMap, centre: FloatArray, angle: FloatArray, width: FloatArray, opening: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n,) height of what is between the contacts, and of the highest point below either finger."""
    pads = np.arange(-PAD_HALF_M, PAD_HALF_M + 1e-9, CELL_M)
    inner = np.linspace(-0.5, 0.5, 17)[None, :] * width[:, None]
    sides = np.arange(-FINGER_HALF_M - CLEARANCE_M, FINGER_HALF_M + CLEARANCE_M + 1e-9, CELL_M)
    outer = opening[:, None] / 2 + np.arange(-0.001, FINGER_THICK_M + CLEARANCE_M, CELL_M)[None, :]
    top, right, left = (
        heights.height_m.take(_cells(heights, centre, angle, forth[:, :, None], side)).max(axis=(1, 2))
        for forth, side in ((inner, pads), (outer, sides), (-outer, sides))
    )
    return top, np.maximum(right, left)


def in_sight(heights: HeightMap) -> list[int]:
    """All objects that show anything of themselves."""
    return [int(obj) for obj in np.unique(heights.owner) if obj >= 0]


def best_object(heights: HeightMap, found: Callable[[int], Grasps]) -> int | None:
    """The object whose best candidate has the highest score of all; without candidates the highest object."""
    choices = [(obj, found(obj)) for obj in in_sight(heights)]
    scored = {obj: float(grasps.score.max()) for obj, grasps in choices if len(grasps)}
    return max(scored, key=lambda obj: scored[obj]) if scored else highest_object(heights)


def highest_object(heights: HeightMap) -> int | None:
    """The object whose surface rises highest; None if nothing is in sight."""
    return max(
        in_sight(heights),
        key=lambda obj: float(np.quantile(heights.height_m[heights.owner == obj], 0.95)),
        default=None,
    )
