"""The baselines by name, and which senses each policy can do without."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.policies.baselines import Antipodal, AntipodalForce, Baseline, Pca, RandomEdges, Script
from autoglm_embodied_sim.policies.expert import Expert
from autoglm_embodied_sim.policies.scored import Scored, ScoredTrueCamera, ScoredWithoutMemory
from autoglm_embodied_sim.policies.true_camera import ScriptTrueCamera

ABLATIONS = ("force", "vision", "language")


def ablation(names: Sequence[str]) -> tuple[str, ...]:
    """The senses of these names, each once and in a fixed order; ConfigError with the valid ones."""
    for name in names:
        if name not in ABLATIONS:
            raise ConfigError(f"--without must be one of {', '.join(ABLATIONS)}, got {name!r}")
    return tuple(sense for sense in ABLATIONS if sense in names)


def suffix(without: Sequence[str]) -> str:
    """What the name of a case ends with, such as `_without_force`; empty where nothing is withheld."""
    return "".join(f"_without_{sense}" for sense in without)


BASELINES: dict[str, type[Baseline]] = {
    "random": RandomEdges,
    "pca": Pca,
    "antipodal": Antipodal,
    "antipodal_force": AntipodalForce,
    "script": Script,
    "scored": Scored,
    "scored_without_memory": ScoredWithoutMemory,
    "script_true_camera": ScriptTrueCamera,
    "scored_true_camera": ScoredTrueCamera,
    "expert": Expert,
}
PRIVILEGED = ("script_true_camera", "scored_true_camera", "expert")
"""Baselines that are shown more of the simulator's state than which pixels are whose."""


def baseline_named(name: str) -> Baseline:
    """The baseline of this name; ConfigError with the valid ones if there is none."""
    if name not in BASELINES:
        known = ", ".join(BASELINES)
        raise ConfigError(f"there is no policy {name!r}; the policies are {known}, and on the arm learned")
    return BASELINES[name]()


NEEDED = ("vision", "language")
"""What a policy needs unless its attribute `needs` says otherwise: it looks for the object that is named."""


def needs(policy: str) -> tuple[str, ...]:
    """The senses without which a policy cannot act."""
    return tuple(getattr(baseline_named(policy), "needs", NEEDED))


def require_able(policies: Sequence[str], without: Sequence[str]) -> None:
    """ConfigError, with what each policy needs and can do without, if one of them cannot act."""
    unable = [policy for policy in policies if set(needs(policy)) & set(without)]
    if unable:
        raise ConfigError(
            f"without {' and '.join(without)} there is nothing to measure: "
            + "; ".join(f"{policy} needs {' and '.join(needs(policy))}, {_allowed(policy)}" for policy in unable)
        )


def _allowed(policy: str) -> str:
    spare = [sense for sense in ABLATIONS if sense not in needs(policy)]
    return f"use --without {' or '.join(spare)}" if spare else "leave out --without"
