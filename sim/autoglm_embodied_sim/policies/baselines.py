"""The baselines: those that look once and grasp whatever comes, and those that feel, weigh and look again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

import numpy as np

from autoglm_embodied.grasping.antipodal_search import antipodal_grasps, best_object, highest_object, in_sight, joined
from autoglm_embodied.grasping.force_feedback import (
    ALL,
    ForceFeedbackGrasp,
    PolicyReport,
    Skills,
    best_of,
    middle_grasp,
)
from autoglm_embodied.grasping.grasp import Grasp, grasp_at, grasp_blindly
from autoglm_embodied.grasping.hand import HandRig
from autoglm_embodied.grasping.height_map import HeightMap, height_map


class OpenLoop(ABC):
    """Looks once and grasps open loop."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        grasp = self.choose(height_map(rig.look()), target, rng)
        if grasp is None:
            return PolicyReport(0, 1, False)
        grasp_blindly(rig, grasp)
        return PolicyReport(1, 1, True)

    @abstractmethod
    def choose(self, heights: HeightMap, target: int | None, rng: np.random.Generator) -> Grasp | None:
        """The grasp of `target`, or of any object without one; None if none is seen."""


class RandomEdges(OpenLoop):
    """Draws one candidate."""

    def choose(self, heights: HeightMap, target: int | None, rng: np.random.Generator) -> Grasp | None:
        """See OpenLoop."""
        objects = in_sight(heights) if target is None else [target]
        found = joined([antipodal_grasps(heights, obj) for obj in objects])
        return grasp_at(found, int(rng.integers(len(found)))) if len(found) else None


class Pca(OpenLoop):
    """Grasps across the middle; where any object will do, the highest."""

    def choose(self, heights: HeightMap, target: int | None, rng: np.random.Generator) -> Grasp | None:
        """See OpenLoop."""
        obj = highest_object(heights) if target is None else target
        return None if obj is None else middle_grasp(heights, obj)


class Antipodal(OpenLoop):
    """Takes the best pair of edges; where any object will do, the best of all."""

    def choose(self, heights: HeightMap, target: int | None, rng: np.random.Generator) -> Grasp | None:
        """See OpenLoop."""
        obj = best_object(heights, partial(antipodal_grasps, heights)) if target is None else target
        return None if obj is None else best_of(antipodal_grasps(heights, obj), heights, obj)


class AntipodalForce:
    """Stops at what it touches, weighs what it lifts, and looks again before another try."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        return ForceFeedbackGrasp(rig, target, Skills()).run()


class Script:
    """Calibrates on the table, verifies by looking, digs, preshapes, and repeats no grasp that failed."""

    def __init__(self) -> None:
        self._failed: list[tuple[int, Grasp]] = []

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript; where any object will do, what failed is remembered from try to try."""
        return ForceFeedbackGrasp(rig, target, ALL, failed=self._failed if target is None else []).run()
