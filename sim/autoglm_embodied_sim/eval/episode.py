"""One episode of a baseline in a suite, judged by the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.failure import Failure, failure_of
from autoglm_embodied_sim.eval.observed_rig import ObservedRig
from autoglm_embodied_sim.eval.scenario import Scenario
from autoglm_embodied_sim.judge import Verdict, judge
from autoglm_embodied_sim.policies.baselines import Baseline, PolicyReport
from autoglm_embodied_sim.policies.registry import baseline_named
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce, SuiteRig
from autoglm_embodied_sim.robots.layout import GraspTask
from autoglm_embodied_sim.scenes.suite import Suite

STRICT_APPROACHES = 3
LEARNED = "learned"
"""The policy of a checkpoint, which is shown nothing but what the sensors say."""


@dataclass(frozen=True)
class GraspResult:
    """How one episode ended."""

    suite: str
    policy: str
    seed: int
    target: str  # colour and shape of the named object; empty where none is
    held: bool  # the named object and no other, after lift and shake
    wrong_object: bool
    approaches: int
    tries: int
    confident: bool
    seconds: float  # simulated, until the policy was done
    instruction: str | None = None  # the sentence; None where no clear one names the target
    kind: str | None = None  # how many objects it fits: one, none or many; only with one is there something to grasp
    refused: bool = False  # the policy itself found that the words fit none, or several
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
    scenario: Scenario, policy: str, without: Sequence[str] = (), album: Album | None = None
) -> GraspResult:
    """Lay out a scene, let a baseline act, judge; a function of its arguments alone.

    Baselines are given the named object; where the instruction fits none or several, they know that and do
    nothing.

    Args:
        scenario: where it acts.
        policy: its name.
        without: senses that it has to do without, of those it can do without.
        album: takes images of the episode, which goes as it would without.
    """
    baseline, rng = baseline_named(policy), np.random.default_rng([scenario.seed, 1])
    suite, task = scenario.suite, scenario.lay_out()
    target, text = task.target, None if task.instruction is None else task.words
    try:
        if target is None:
            return nothing_to_grasp(suite, policy, scenario.seed, text, task.kind)
        acted = _act(task, baseline, target, rng, "force" not in without, album)
    finally:
        task.rig.close()
    return GraspResult(
        suite=suite.name,
        policy=policy,
        seed=scenario.seed,
        target=task.scene.objects[target].name,
        held=acted.verdict.success(target),
        wrong_object=acted.verdict.wrong_object(target),
        approaches=acted.report.approaches,
        tries=acted.report.tries,
        confident=acted.report.confident,
        seconds=acted.seconds,
        instruction=text,
        kind=task.kind,
        peak_force_n=acted.peak_force_n,
        failure=acted.failure,
    )


@dataclass(frozen=True)
class _Acted:
    """What a baseline reported, and what the simulator saw."""

    report: PolicyReport
    seconds: float
    verdict: Verdict
    peak_force_n: float | None
    failure: Failure


def _act(
    task: GraspTask[SuiteRig],
    baseline: Baseline,
    target: int,
    rng: np.random.Generator,
    feels: bool,
    album: Album | None,
) -> _Acted:
    """Let a baseline act, then judge."""
    rig, rest_height_m = task.rig, task.rest_height_m
    if album is not None:
        album.before(rig, target)
    observed = ObservedRig(rig, None if album is None else partial(album.contact, rig))
    began_ns = rig.time_ns
    report = baseline.run(observed if feels else RigWithoutForce(observed), target, rng)
    observed.end()
    seconds = (rig.time_ns - began_ns) / 1e9
    verdict = judge(rig, rest_height_m)
    if album is not None:
        album.after(rig, target, not verdict.held)
    events = observed.events(frozenset({target}), verdict)
    failure = Failure.NONE if verdict.success(target) else failure_of(events)
    return _Acted(report, seconds, verdict, observed.peak_force_n, failure)


def nothing_to_grasp(suite: Suite, policy: str, seed: int, text: str | None, kind: str | None) -> GraspResult:
    """The result of a policy that knew that there is nothing to grasp, and did nothing."""
    return GraspResult(suite.name, policy, seed, "", False, False, 0, 0, False, 0.0, text, kind)
