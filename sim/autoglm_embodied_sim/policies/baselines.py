"""The baselines by name: those that look once and grasp whatever comes, and those that feel, weigh and look again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import partial

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.antipodal_search import antipodal_grasps, best_object, highest_object, in_sight, joined
from autoglm_embodied.grasping.force_feedback import (
    ALL,
    ForceFeedbackGrasp,
    GraspScript,
    PolicyReport,
    Skills,
    best_of,
    middle_grasp,
)
from autoglm_embodied.grasping.grasp import Grasp, grasp_at, grasp_blindly
from autoglm_embodied.grasping.hand import HandRig, View, WrappedRig, unwrapped
from autoglm_embodied.grasping.height_map import HeightMap, height_map
from autoglm_embodied.grasping.named import Named
from autoglm_embodied.grasping.scored import Scored, ScoredWithoutMemory
from autoglm_embodied.policy.attempt_memory import HiddenPrior
from autoglm_embodied_sim.policies.expert import Expert
from autoglm_embodied_sim.robots.hand_rig import SuiteRig


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


class TrueCameraRig(WrappedRig):
    """The same rig, but its images say where the camera really stands."""

    def __init__(self, rig: HandRig) -> None:
        """ConfigError if the rig is not a simulated one in this process."""
        super().__init__(rig)
        inside = unwrapped(rig)
        if not isinstance(inside, SuiteRig):
            raise ConfigError(
                "where the camera really stands only the simulator knows, and no topic tells it; use script or scored"
            )
        self._simulated = inside

    def look(self) -> View:
        """See HandRig."""
        view = self._rig.look()
        camera = replace(view.frame.camera, T_base_camera=self._simulated.camera_pose())
        return replace(view, frame=replace(view.frame, camera=camera))


class ScriptTrueCamera(Script):
    """Shown the camera's true pose; no policy that is to run on a robot may be built like this."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        return super().run(TrueCameraRig(rig), target, rng)


class ScoredTrueCamera(Scored):
    """The same, shown the camera's true pose; no policy that is to run on a robot may be built like this."""

    prior = HiddenPrior(offset_sigma_m=0.0)

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        return super().run(TrueCameraRig(rig), target, rng)


ABLATIONS = ("force", "vision", "language")
"""Senses that can be withheld."""
EXPERT = "expert"
BASELINES: dict[str, type[GraspScript]] = {
    "random": RandomEdges,
    "pca": Pca,
    "antipodal": Antipodal,
    "antipodal_force": AntipodalForce,
    "script": Script,
    "scored": Scored,
    "named": Named,
    "scored_without_memory": ScoredWithoutMemory,
    "script_true_camera": ScriptTrueCamera,
    "scored_true_camera": ScoredTrueCamera,
    EXPERT: Expert,
}
PRIVILEGED = ("script_true_camera", "scored_true_camera", EXPERT)
"""Baselines that are shown more of the simulator's state than which pixels are whose."""
READING = ("named",)
"""Policies that are told what is said, and not which pixels are the named object's."""


def baseline_named(name: str) -> GraspScript:
    """The baseline of this name; ConfigError with the valid ones if there is none."""
    if name not in BASELINES:
        known = ", ".join(BASELINES)
        raise ConfigError(f"there is no policy {name!r}; the policies are {known}, and on the arm learned")
    return BASELINES[name]()
