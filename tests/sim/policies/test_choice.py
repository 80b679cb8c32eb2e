"""Which object to take where any will do."""

from __future__ import annotations

from functools import partial

import numpy as np

from autoglm_embodied.grasping.antipodal_search import antipodal_grasps, best_object, highest_object, in_sight
from autoglm_embodied.grasping.height_map import CELL_M, CELLS, HALF_M, HeightMap

AXIS = (np.arange(CELLS) + 0.5) * CELL_M - HALF_M
X, Y = np.meshgrid(AXIS, AXIS)


def table(*boxes: tuple[float, float, float, float]) -> HeightMap:
    """Upright boxes of a square ground, each x, y, edge, height."""
    height, owner = np.zeros((CELLS, CELLS)), np.full((CELLS, CELLS), -1, np.int16)
    for obj, (x, y, edge, tall) in enumerate(boxes):
        inside = (np.abs(X - x) < edge / 2) & (np.abs(Y - y) < edge / 2)
        height[inside], owner[inside] = tall, obj
    return HeightMap(height, owner)


def best(heights: HeightMap) -> int | None:
    return best_object(heights, partial(antipodal_grasps, heights))


def test_the_object_with_the_best_grasp_is_taken() -> None:
    heights = table((-0.1, 0.0, 0.1, 0.04), (0.1, 0.0, 0.03, 0.04), (0.0, 0.1, 0.03, 0.012))
    assert in_sight(heights) == [0, 1, 2]
    assert best(heights) == 1  # the first is too wide, the third lies flat


def test_where_nothing_can_be_grasped_the_highest_is_taken() -> None:
    heights = table((-0.1, 0.0, 0.1, 0.04), (0.1, 0.0, 0.1, 0.05))
    assert best(heights) == highest_object(heights) == 1


def test_an_empty_table_offers_nothing() -> None:
    assert best(table()) is None and highest_object(table()) is None
