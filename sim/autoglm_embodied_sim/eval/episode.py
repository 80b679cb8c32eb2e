"""One episode of a baseline in a suite, judged by the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autoglm_embodied.grasping.force_feedback import GraspScript, PolicyReport, ReadsWords
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.policy.policy import LEARNED as LEARNED
from autoglm_embodied.types import Referent
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.altered_senses import AlteredSenses
from autoglm_embodied_sim.eval.failure import Failure, GraspEvents, ObservedRig, failure_of
from autoglm_embodied_sim.judge import Verdict, judge
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR, Grammar
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.policies.baselines import baseline_named
from autoglm_embodied_sim.robots.hand_rig import SuiteRig
from autoglm_embodied_sim.robots.layout import GraspTask, lay_out_task, rig_named
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import Suite
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

STRICT_APPROACHES = 3
OTHERS = 3
"""Sets the random numbers that draw other episodes apart from those of policies."""
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
    robot: Robot = PANDA  # that the rig `arm` is

    def scene(self) -> GraspScene:
        """What is drawn for the seed."""
        return sample_grasp_scene(self.suite, self.shapes, self.seed)

    def lay_out(self) -> GraspTask[SuiteRig]:
        """The scene on a rig's table, everything at rest, and what is asked for."""
        return lay_out_task(self.suite, self.scene(), self.grammar, rig_named(self.rig_name, self.robot))

    def other(self, draw: int = 0) -> Scenario:
        """Another episode of the suite, a function of the seed and of how often one was drawn before."""
        rng = np.random.default_rng([self.seed, OTHERS, draw])
        return replace(self, seed=self.seed + 1 + int(rng.integers(2**30)))


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
    outcome: str | None = None  # the word and the sentence that the action grasp ended with; None in process
    message: str | None = None
    pace: float | None = None  # share of real time that the slower of simulator and fusion node kept, over ROS

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
    policy: GraspScript,
    target: int | None,
    rng: np.random.Generator,
    senses: AlteredSenses,
    on_contact: Callable[[], None] | None = None,
) -> Attempt:
    """Let a baseline act on a scene at rest, then judge.

    Args:
        rig: the hand over the table.
        policy: acts.
        target: index of the named object; None where any will do.
        rng: of the policy.
        senses: of the policy; they get what its wrist felt.
        on_contact: see ObservedRig.
    """
    rest_height_m, began_ns = rig.truth.position_m(rig.data)[:, 2], rig.time_ns
    observed = ObservedRig(rig, on_contact)
    rig.told = senses.wrist_of(rig)
    report = policy.run(senses.on(observed), target, rng)
    rig.told = None
    observed.end()
    senses.felt = observed.wrenches
    seconds = (rig.time_ns - began_ns) / 1e9
    verdict, wanted = judge(rig, rest_height_m), frozenset[int]() if target is None else frozenset({target})
    return Attempt(report, seconds, verdict, observed.peak_force_n, observed.events(wanted, verdict))


def run_grasp_episode(
    scenario: Scenario, policy: str, senses: AlteredSenses | None = None, album: Album | None = None
) -> GraspResult:
    """Lay out a scene, let a baseline act, judge; a function of its arguments alone.

    Baselines are given the named object, or where they read words those alone; where the instruction fits none or
    several, the former know that and do nothing.

    Args:
        scenario: where it acts.
        policy: its name.
        senses: its own, of this episode; None where nothing is altered.
        album: takes images of the episode, which goes as it would without.
    """
    baseline, rng = baseline_named(policy), np.random.default_rng([scenario.seed, 1])
    task = scenario.lay_out()
    rig, target, senses = task.rig, task.target, senses or AlteredSenses()
    words = senses.words(task.words)
    instruction = None if task.instruction is None and words == task.words else words
    try:
        reads = isinstance(baseline, ReadsWords)
        refused = isinstance(baseline, ReadsWords) and baseline.find(senses.on(rig), words, rng) is not Referent.ONE
        if refused or target is None and not reads:
            name = "" if target is None else task.scene.objects[target].name
            return nothing_to_grasp(scenario.suite.name, policy, scenario.seed, instruction, task.kind, refused, name)
        if album is not None:
            album.before(rig, target)
        on_contact = None if album is None else partial(album.contact, rig)
        attempt = attempt_and_judge(rig, baseline, target, rng, senses, on_contact)
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
        failure=None if target is None else _failure(attempt, target),
    )


def _failure(attempt: Attempt, target: int) -> Failure:
    return Failure.NONE if attempt.verdict.success(target) else failure_of(attempt.events)


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


def nothing_to_grasp(
    suite: str, policy: str, seed: int, text: str | None, kind: str | None, refused: bool = False, target: str = ""
) -> GraspResult:
    """The result of a policy that did nothing.

    Args:
        suite: name.
        policy: name.
        seed: of the scene.
        text: the instruction.
        kind: how many objects it fits.
        refused: whether the policy found for itself that it does not fit one.
        target: what is named, if there is one all the same.
    """
    failure = Failure.NO_GRASP_FOUND if target else None
    return GraspResult(
        suite, policy, seed, target, False, False, 0, 0, False, 0.0, text, kind, refused, failure=failure
    )
