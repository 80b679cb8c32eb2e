"""One episode of a baseline in a suite, judged by the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from autoglm_embodied.policy.policy import LEARNED as LEARNED
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.failure import Failure, GraspEvents, ObservedRig, failure_of
from autoglm_embodied_sim.judge import Verdict, judge
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR, Grammar
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.policies.baselines import Baseline, PolicyReport
from autoglm_embodied_sim.policies.registry import baseline_named
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce, SuiteRig
from autoglm_embodied_sim.robots.layout import GraspTask, lay_out_task, rig_named
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import Suite

STRICT_APPROACHES = 3
Key = tuple[str, str, int]
"""Suite, policy and seed of an episode."""


@dataclass(frozen=True)
class Scenario:
    """What an episode follows from, whoever acts in it: one scene of a suite and how its instruction is said."""

    suite: Suite
    shapes: Sequence[Shape]  # what objects are drawn from
    seed: int  # of scene, noise and policy
    rig_name: str = "gantry"  # what carries the hand
    grammar: Grammar = LEARNING_GRAMMAR

    def scene(self) -> GraspScene:
        """What is drawn for the seed."""
        return sample_grasp_scene(self.suite, self.shapes, self.seed)

    def lay_out(self) -> GraspTask[SuiteRig]:
        """The scene on a rig's table, everything at rest, and what is asked for."""
        return lay_out_task(self.suite, self.scene(), self.grammar, rig_named(self.rig_name))


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
    def key(self) -> Key:
        """Which episode it is."""
        return self.suite, self.policy, self.seed

    @property
    def first_descent(self) -> bool:
        """Whether the first descent was enough."""
        return self.held and self.approaches <= 1

    @property
    def strict(self) -> bool:
        """Whether three descents were enough, those included that were broken off or took a neighbour."""
        return self.held and self.approaches <= STRICT_APPROACHES


@dataclass(frozen=True)
class Attempt:
    """What a baseline reported, and what the simulator saw."""

    report: PolicyReport
    seconds: float  # simulated, of the policy alone
    verdict: Verdict
    peak_force_n: float | None  # see GraspResult
    events: GraspEvents


def attempt_and_judge(
    rig: SuiteRig,
    policy: Baseline,
    target: int | None,
    rng: np.random.Generator,
    without: Sequence[str] = (),
    on_contact: Callable[[], None] | None = None,
) -> Attempt:
    """Let a baseline act on a scene at rest, then judge.

    Args:
        rig: the hand over the table.
        policy: acts.
        target: index of the named object; None where any will do.
        rng: of the policy.
        without: senses that it has to do without, of those it can do without.
        on_contact: see ObservedRig.
    """
    rest_height_m, began_ns = rig.truth.position_m(rig.data)[:, 2], rig.time_ns
    observed = ObservedRig(rig, on_contact)
    report = policy.run(RigWithoutForce(observed) if "force" in without else observed, target, rng)
    observed.end()
    seconds = (rig.time_ns - began_ns) / 1e9
    verdict, wanted = judge(rig, rest_height_m), frozenset[int]() if target is None else frozenset({target})
    return Attempt(report, seconds, verdict, observed.peak_force_n, observed.events(wanted, verdict))


def run_grasp_episode(
    scenario: Scenario, policy: str, without: Sequence[str] = (), album: Album | None = None
) -> GraspResult:
    """Lay out a scene, let a baseline act, judge; a function of its arguments alone.

    Baselines are given the named object; where the instruction fits none or several, they know that and do nothing.

    Args:
        scenario: where it acts.
        policy: its name.
        without: senses that it has to do without, of those it can do without.
        album: takes images of the episode, which goes as it would without.
    """
    baseline, rng = baseline_named(policy), np.random.default_rng([scenario.seed, 1])
    task = scenario.lay_out()
    rig, target = task.rig, task.target
    instruction = None if task.instruction is None else task.words
    try:
        if target is None:
            return nothing_to_grasp(scenario.suite.name, policy, scenario.seed, instruction, task.kind)
        if album is not None:
            album.before(rig, target)
        on_contact = None if album is None else partial(album.contact, rig)
        attempt = attempt_and_judge(rig, baseline, target, rng, without, on_contact)
        if album is not None:
            album.after(rig, target, not attempt.verdict.held)
    finally:
        rig.close()
    return judged(
        scenario,
        policy,
        task,
        attempt.verdict,
        attempt.report,
        seconds=attempt.seconds,
        instruction=instruction,
        peak_force_n=attempt.peak_force_n,
        failure=Failure.NONE if attempt.verdict.success(target) else failure_of(attempt.events),
    )


def judged(
    scenario: Scenario, policy: str, task: GraspTask[Any], verdict: Verdict, report: PolicyReport, **rest: Any
) -> GraspResult:
    """The result of an episode.

    Args:
        scenario: where the policy acted.
        policy: its name.
        task: what was laid out.
        verdict: of the judge.
        report: of the policy.
        rest: fields of the result that do not follow from these.
    """
    target = task.target
    return GraspResult(
        suite=scenario.suite.name,
        policy=policy,
        seed=scenario.seed,
        target="" if target is None else task.scene.objects[target].name,
        held=verdict.success(target),
        wrong_object=verdict.wrong_object(target),
        kind=task.kind,
        **asdict(report),
        **rest,
    )


def nothing_to_grasp(suite: str, policy: str, seed: int, text: str | None, kind: str | None) -> GraspResult:
    """The result of a policy that knew that there is nothing to grasp, and did nothing."""
    return GraspResult(suite, policy, seed, "", False, False, 0, 0, False, 0.0, text, kind)
