"""Which object to take where any will do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import Grasps
from autoglm_embodied_sim.policies.height_map import HeightMap


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
