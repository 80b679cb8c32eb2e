"""Which policies the suites know, on which rig each of them runs, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoglm_embodied.errors import CheckpointError, ConfigError, SensorError
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.altered_senses import DROPPED, SHUFFLED, SWAPPED_FORCE, Alteration, AlteredSenses
from autoglm_embodied_sim.eval.declutter import run_round
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult, Scenario, run_grasp_episode
from autoglm_embodied_sim.policies.baselines import EXPERT, PRIVILEGED, baseline_named

MOST_OTHERS = 10
"""Episodes in a row in which a policy may do nothing."""


def check_policy(policy: str, rig_name: str, over_dds: bool = False) -> None:
    """ConfigError unless a policy of this name runs on the rig and, if so wanted, through the nodes."""
    if policy != LEARNED:
        baseline_named(policy)
        if over_dds and rig_name != "arm":
            raise ConfigError(f"over DDS the arm is simulated, not the {rig_name}; add --rig arm")
        if policy == EXPERT and rig_name != "gantry":
            raise ConfigError(f"the {EXPERT} tries grasps out in copies of the gantry; leave out --rig {rig_name}")
        if over_dds and policy in PRIVILEGED:
            raise ConfigError(f"{policy} is shown the simulator's state, which no topic carries; leave out --ros")
    elif rig_name != "arm":
        raise ConfigError(f"the policy {LEARNED!r} drives the whole arm, not the {rig_name}; add --rig arm")


def run_suite_episode(
    scenario: Scenario, policy: str, checkpoint: Path | None, altered: Sequence[Alteration], album: Album | None
) -> GraspResult:
    """One episode (a round where any object will do) of a policy; a function of its arguments alone.

    Args:
        scenario: where it acts.
        policy: a baseline, or LEARNED.
        checkpoint: folder of the learned policy; the shipped one if None.
        altered: of the policy's senses.
        album: takes images of the episode; rounds have none.

    Raises:
        SensorError: force is swapped, and the policy felt nothing in MOST_OTHERS other episodes.
    """
    said, swapped = "" if DROPPED in altered else None, list[Any]()
    if SHUFFLED in altered:
        other = scenario.other().lay_out()
        other.rig.close()
        said = other.words
    if SWAPPED_FORCE in altered:
        swapped = _felt_in_another(scenario, policy, checkpoint)
    return _run(scenario, policy, checkpoint, AlteredSenses(altered, said, swapped), album)


def _felt_in_another(scenario: Scenario, policy: str, checkpoint: Path | None) -> list[Any]:
    """What a policy felt in the first other episode in which it did anything."""
    for draw in range(MOST_OTHERS):
        _run(scenario.other(draw), policy, checkpoint, senses := AlteredSenses())
        if senses.felt:
            return senses.felt
    raise SensorError(f"{policy} did nothing in {MOST_OTHERS} other episodes: no force to swap in; use --zeroed")


def _run(
    scenario: Scenario, policy: str, checkpoint: Path | None, senses: AlteredSenses, album: Album | None = None
) -> GraspResult:
    if policy != LEARNED:
        if not scenario.suite.named:
            return run_round(scenario, policy, senses)
        return run_grasp_episode(scenario, policy, senses, album)
    from autoglm_embodied.model.checkpoint import SHIPPED
    from autoglm_embodied_sim.eval.learned_episode import run_learned_episode  # torch is of no use to baselines

    return run_learned_episode(scenario, checkpoint or SHIPPED, senses, album)


def checkpoint_digest(checkpoint: Path | None) -> str:
    """What tells the weights of one checkpoint from those of another; those shipped change with the version alone."""
    if checkpoint is None:
        return "shipped"
    try:
        return hashlib.sha256((checkpoint / "model.safetensors").read_bytes()).hexdigest()
    except OSError as error:
        raise CheckpointError(f"no checkpoint in {checkpoint}: {error.strerror}; name another, or none") from error
