"""The baselines by name."""

from __future__ import annotations

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.baselines.antipodal import Antipodal
from autoglm_embodied_sim.baselines.antipodal_force import AntipodalForce
from autoglm_embodied_sim.baselines.baseline import Baseline
from autoglm_embodied_sim.baselines.pca import Pca
from autoglm_embodied_sim.baselines.random_edges import RandomEdges
from autoglm_embodied_sim.baselines.script import Script
from autoglm_embodied_sim.privileged.expert import Expert

BASELINES: dict[str, type[Baseline]] = {
    "random": RandomEdges,
    "pca": Pca,
    "antipodal": Antipodal,
    "antipodal_force": AntipodalForce,
    "script": Script,
    "expert": Expert,
}


def baseline_named(name: str) -> Baseline:
    """The baseline of this name; ConfigError with the valid ones if there is none."""
    if name not in BASELINES:
        known = ", ".join(BASELINES)
        raise ConfigError(f"there is no policy {name!r}; the policies are {known}, and on the arm learned")
    return BASELINES[name]()
