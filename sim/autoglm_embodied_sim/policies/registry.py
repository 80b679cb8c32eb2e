"""The baselines by name, and what they are told."""

from __future__ import annotations

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.force_feedback import GraspScript
from autoglm_embodied.grasping.named import Named
from autoglm_embodied.grasping.scored import Scored, ScoredWithoutMemory
from autoglm_embodied_sim.policies.baselines import Antipodal, AntipodalForce, Pca, RandomEdges, Script
from autoglm_embodied_sim.policies.expert import Expert
from autoglm_embodied_sim.policies.true_camera import ScoredTrueCamera, ScriptTrueCamera

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
