"""Which item to take where any will do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import Grasps
from autoglm_embodied_sim.policies.height_map import HeightMap


def in_sight(heights: HeightMap) -> list[int]:
    """All items that show anything of themselves."""
    return [int(item) for item in np.unique(heights.owner) if item >= 0]


def best_item(heights: HeightMap, found: Callable[[int], Grasps]) -> int | None:
    """The item whose best candidate has the highest score of all; without candidates the highest item."""
    choices = [(item, found(item)) for item in in_sight(heights)]
    scored = {item: float(grasps.score.max()) for item, grasps in choices if len(grasps)}
    return max(scored, key=lambda item: scored[item]) if scored else highest_item(heights)


def highest_item(heights: HeightMap) -> int | None:
    """The item whose surface rises highest; None if nothing is in sight."""
    return max(
        in_sight(heights),
        key=lambda item: float(np.quantile(heights.height_m[heights.owner == item], 0.95)),
        default=None,
    )
