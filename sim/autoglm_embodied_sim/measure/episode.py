"""One episode of a baseline in a suite, judged by the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoglm_embodied_sim.baselines.baseline import Told
from autoglm_embodied_sim.baselines.registry import baseline_named
from autoglm_embodied_sim.gantry.without_force import RigWithoutForce
from autoglm_embodied_sim.measure.album import Album
from autoglm_embodied_sim.measure.failure import Failure, failure_of
from autoglm_embodied_sim.measure.observed_rig import ObservedRig
from autoglm_embodied_sim.measure.trial import Trial, put_to_trial
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.suites.layout import lay_out
from autoglm_embodied_sim.suites.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.suites.suite import Suite

STRICT_APPROACHES = 3


@dataclass(frozen=True)
class GraspResult:
    """How one episode ended."""

    suite: str
    policy: str
    seed: int
    target: str
    held: bool  # the named item and no other, after lift and shake
    wrong_object: bool
    approaches: int
    tries: int
    sure: bool
    seconds: float  # simulated, until the policy was done
    peak_force_n: float | None = None  # on the wrist while the policy acted, without the hand's weight and noise
    failure: Failure | None = None  # None where nobody watched

    def __post_init__(self) -> None:
        if self.failure is not None:
            object.__setattr__(self, "failure", Failure(self.failure))  # from its name, as it stands in files

    @property
    def first_descent(self) -> bool:
        """Whether the first descent was enough."""
        return self.held and self.approaches <= 1

    @property
    def strict(self) -> bool:
        """Whether three descents were enough, those included that were broken off or took a neighbour."""
        return self.held and self.approaches <= STRICT_APPROACHES


def run_grasp_episode(
    suite: Suite,
    policy: str,
    shapes: Sequence[Shape],
    seed: int,
    without: Sequence[str] = (),
    album: Album | None = None,
) -> GraspResult:
    """Lay out the scene of a seed, let the policy act, judge; a function of its arguments alone.

    Args:
        suite: what the scene is like.
        policy: name of a baseline.
        shapes: what objects are drawn from.
        seed: of scene, noise and policy.
        without: senses that the policy has to do without, of those it can do without.
        album: takes pictures of the episode, which goes as it would without.
    """
    baseline = baseline_named(policy)
    scene = sample_grasp_scene(suite, shapes, seed)
    rig = lay_out(suite, scene)
    try:
        rest_height_m = rig.truth.position_m(rig.data)[:, 2]
        if album is not None:
            album.before(rig, scene.target)
        observed = ObservedRig(rig, None if album is None else partial(album.contact, rig))
        felt = RigWithoutForce(observed) if "force" in without else observed
        began_ns = rig.time_ns
        told = baseline.run(felt, scene.target, np.random.default_rng([seed, 1]))
        observed.end()
        seconds = (rig.time_ns - began_ns) / 1e9
        trial = put_to_trial(rig, rest_height_m)
        if album is not None:
            album.after(rig, scene.target, not trial.raised)
    finally:
        rig.close()
    return _result(suite, policy, scene, told, seconds, observed, trial)


def _result(
    suite: Suite, policy: str, scene: GraspScene, told: Told, seconds: float, observed: ObservedRig, trial: Trial
) -> GraspResult:
    """What the policy told, and what the simulator says."""
    wanted = frozenset({scene.target})
    held = wanted == set(trial.raised)
    return GraspResult(
        suite=suite.name,
        policy=policy,
        seed=scene.seed,
        target=scene.items[scene.target].name,
        held=held,
        wrong_object=not wanted.issuperset(trial.raised),
        approaches=told.approaches,
        tries=told.tries,
        sure=told.sure,
        seconds=seconds,
        peak_force_n=observed.peak_force_n,
        failure=Failure.NONE if held else failure_of(observed.story(wanted, trial)),
    )
