"""The table from above as a grid of heights, and whose surface each cell is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.grasping.hand import NOTHING, View
from autoglm_embodied.types import FloatArray

CELL_M = 0.002
HALF_M = 0.24
CELLS = round(2 * HALF_M / CELL_M)
SMOOTHED_PX = 5  # median of the depth: 1.5 mm of noise become 0.4 mm


@dataclass(frozen=True)
class HeightMap:
    """Heights in the base frame as the camera is believed to stand."""

    height_m: FloatArray  # (CELLS, CELLS), rows along y, columns along x
    owner: NDArray[np.int16]  # (CELLS, CELLS) index of the object on top, NOTHING elsewhere
    seen: NDArray[np.bool_] | None = None  # (CELLS, CELLS) shown by a pixel; None: all of them

    def lowered(self, by_m: float) -> HeightMap:
        """The same map with its heights less `by_m`."""
        return replace(self, height_m=self.height_m - by_m)

    def table_m(self) -> float:
        """The height at which the table seems to be."""
        return float(np.median(self.height_m[self.owner == NOTHING]))

    def at(self, x_m: FloatArray, y_m: FloatArray) -> NDArray[np.int64]:
        """Index, in the flattened map, of the cells that hold these points; points off the map count to its edge."""
        cell = _index(y_m)
        cell *= CELLS
        cell += _index(x_m)
        return cell.astype(np.int64)


def _index(place_m: FloatArray) -> FloatArray:
    """Which row or column holds a place; in one array, for there are many."""
    cell = place_m + HALF_M
    cell /= CELL_M
    np.floor(cell, out=cell)
    return np.clip(cell, 0, CELLS - 1, out=cell)


def height_map(view: View) -> HeightMap:
    """The map of an image; cells that no pixel shows take the highest of their neighbours, else the table's height."""
    depth = np.asarray(cv2.medianBlur(np.asarray(view.frame.depth_m, np.float32), SMOOTHED_PX), np.float32)
    points = replace(view, frame=replace(view.frame, depth_m=depth)).points_m().reshape(-1, 3)
    known = np.isfinite(points[:, 2]) & (np.abs(points[:, :2]) < HALF_M).all(axis=1)
    points, owners = points[known], view.owner.ravel()[known]
    cells = np.floor((points[:, 1] + HALF_M) / CELL_M).astype(int) * CELLS
    cells += np.floor((points[:, 0] + HALF_M) / CELL_M).astype(int)
    order = np.argsort(points[:, 2], kind="stable")  # of several points in a cell the highest stays
    height = np.full(CELLS * CELLS, np.nan)
    owner = np.full(CELLS * CELLS, NOTHING, np.int16)
    height[cells[order]], owner[cells[order]] = points[order, 2], owners[order]
    table = float(np.median(points[owners == NOTHING, 2]))
    grid = height.reshape(CELLS, CELLS)
    unseen = np.isnan(grid)
    grown = cv2.dilate(np.where(unseen, -1.0, grid), np.ones((3, 3), np.uint8))
    filled = np.where(unseen, np.where(grown > -1.0, grown, table), grid)
    return HeightMap(filled, owner.reshape(CELLS, CELLS), ~unseen)
