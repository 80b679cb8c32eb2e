"""Which policies the suites know, on which rig each of them runs, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from autoglm_embodied_sim.baselines.registry import baseline_named
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.measure.album import Album
from autoglm_embodied_sim.measure.declutter import run_round
from autoglm_embodied_sim.measure.episode import GraspResult, run_grasp_episode
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.suites.suite import Suite

from autoglm_embodied.errors import CheckpointError, ConfigError

LEARNED = "learned"


def check_policy(policy: str, rig_name: str, over_dds: bool = False) -> None:
    """ConfigError unless a policy of this name runs on the rig and, if so wanted, through the nodes."""
    if policy != LEARNED:
        baseline_named(policy)
        if over_dds:
            raise ConfigError(f"{policy!r} is a script without a node; over DDS runs the policy {LEARNED!r} alone")
    elif rig_name != "arm":
        raise ConfigError(f"the policy {LEARNED!r} drives the whole arm, not the {rig_name}; add --rig arm")


def run_suite_episode(
    suite: Suite,
    policy: str,
    shapes: Sequence[Shape],
    seed: int,
    rig_name: str,
    grammar: Grammar,
    checkpoint: Path | None,
    without: Sequence[str] = (),
    album: Album | None = None,
) -> GraspResult:
    """One episode (a round where any object will do) of a policy; a function of its arguments alone.

    Args:
        suite: what the scene is like.
        policy: a baseline, or LEARNED.
        shapes: what objects are drawn from.
        seed: of scene, noise and policy.
        rig_name: what carries the hand.
        grammar: how instructions are said.
        checkpoint: folder of the learned policy; the shipped one if None.
        without: senses withheld from the policy.
        album: takes pictures of the episode.
    """
    if policy != LEARNED:
        if not suite.named:
            return run_round(suite, policy, shapes, seed, rig_name, without)
        return run_grasp_episode(suite, policy, shapes, seed, rig_name, grammar, without, album)
    from autoglm_embodied.learn.learned_in_suites import run_learned_episode  # torch is of no use to baselines
    from autoglm_embodied.model.checkpoint import SHIPPED

    return run_learned_episode(suite, shapes, seed, grammar, checkpoint or SHIPPED, without, album)


def checkpoint_digest(checkpoint: Path | None) -> str:
    """What tells the weights of one checkpoint from those of another; those shipped change with the version alone."""
    if checkpoint is None:
        return "shipped"
    try:
        return hashlib.sha256((checkpoint / "model.safetensors").read_bytes()).hexdigest()
    except OSError as error:
        raise CheckpointError(f"no checkpoint in {checkpoint}: {error.strerror}; name another, or none") from error
