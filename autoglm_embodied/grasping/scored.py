"""The strongest script, with its choice of grasps made by a network and by what earlier tries felt."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from autoglm_embodied.grasping.antipodal_search import in_sight
from autoglm_embodied.grasping.force_feedback import ALL, SEEN_CELLS, ForceFeedbackGrasp, PolicyReport
from autoglm_embodied.grasping.grasp import EMPTY_M, LEAST_WEIGHT_N, Grasp
from autoglm_embodied.grasping.hand import TRAVEL_M_S, HandPose, HandRig, WrappedRig
from autoglm_embodied.grasping.height_map import HeightMap
from autoglm_embodied.policy.attempt_memory import AttemptMemory, Felt, HiddenPrior, Hypotheses
from autoglm_embodied.types import FloatArray, TryOutcome

if TYPE_CHECKING:
    from autoglm_embodied.grasping.grasp_choice import Choice, GraspChooser

DIG_BELOW = 0.35  # probability of the best grasp


class FeelingRig(WrappedRig):
    """The same rig, which remembers what the last try felt; NaN where it did not come to that."""

    def __init__(self, rig: HandRig) -> None:
        super().__init__(rig)
        self.forget()

    def forget(self) -> None:
        """A new try begins."""
        self.contact_tip_m = self.closed_m = self.weight_n = math.nan

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """See HandRig."""
        arrived = self._rig.move(pose, speed_m_s, guard_n)
        if guard_n is not None and not arrived:
            self.contact_tip_m = self.pose.z_m
        return arrived

    def grip(self, width_m: float) -> float:
        """See HandRig."""
        reached_m = self._rig.grip(width_m)
        if width_m == 0.0:
            self.closed_m = reached_m
        return reached_m

    def weigh(self) -> FloatArray | None:
        """See HandRig."""
        load = self._rig.weigh()
        carries = load is not None and load[2] > LEAST_WEIGHT_N and self.width_m > EMPTY_M
        if load is not None and carries and math.isnan(self.weight_n):
            self.weight_n = float(load[2])
        return load


@dataclass
class ScoredGrasp(ForceFeedbackGrasp):
    """One episode of the script with other choices.

    Args:
        chooser: ranks grasps.
        remembers: whether what was felt changes how likely a hypothesis is.
    """

    chooser: GraspChooser = field(kw_only=True)
    remembers: bool = field(default=True, kw_only=True)
    tried: Choice | None = None
    next: tuple[HeightMap, int, Choice | None] | None = None  # already chosen, for this map and object

    def choose(self, heights: HeightMap, obj: int) -> Grasp | None:
        """The grasp that is most likely to hold the object, unlike all that failed."""
        ready, self.next = self.next, None
        chosen = ready is not None and ready[0] is heights and ready[1] == obj
        self.tried = ready[2] if ready is not None and chosen else self.best(heights, obj)
        return None if self.tried is None else self.tried.grasp

    def best(self, heights: HeightMap, obj: int, share: float = 1.0) -> Choice | None:
        """See GraspChooser."""
        return self.chooser.best(heights, obj, [grasp for of, grasp in self.failed if of == obj], share)

    def carry_out(self, grasp: Grasp) -> bool | None:
        """As the script; what was felt is remembered."""
        assert isinstance(self.rig, FeelingRig)
        self.rig.forget()
        held = super().carry_out(grasp)
        if not held:
            self.remember(TryOutcome.COLLIDED if held is None else TryOutcome.NOTHING)
        return held

    def remember(self, outcome: TryOutcome) -> None:
        """What the last try felt changes how likely each hypothesis is."""
        rig, tried = self.rig, self.tried
        assert isinstance(rig, FeelingRig) and tried is not None
        if self.remembers:
            felt = Felt(outcome, rig.contact_tip_m - tried.grasp.pose.z_m, rig.closed_m, rig.weight_n)
            memory = self.chooser.memory
            memory.note(tried.obj, memory.hypotheses.log_likelihood(tried.expected, felt))

    def confirmed(self) -> bool:
        """As the script; where something else was in the hand, that is remembered."""
        confirmed = super().confirmed()
        if not confirmed:
            self.remember(TryOutcome.ANOTHER)
        return confirmed

    def any_object(self, heights: HeightMap) -> int | None:
        """The object with the best prospects."""
        return self._best_of(heights, in_sight(heights))

    def buried(self, heights: HeightMap, obj: int) -> bool:
        """Whether the best grasp is a poor one."""
        best = self.best(heights, obj)
        self.next = heights, obj, best
        return best is None or best.held < DIG_BELOW

    def neighbour(self, heights: HeightMap) -> int | None:
        """The other object with the best prospects."""
        return self._best_of(heights, [obj for obj in in_sight(heights) if obj != self.target])

    def _best_of(self, heights: HeightMap, objects: list[int]) -> int | None:
        shown = [obj for obj in objects if (heights.owner == obj).sum() >= SEEN_CELLS]
        choices = [choice for obj in shown if (choice := self.best(heights, obj, 0.3)) is not None]
        return max(choices, key=lambda choice: choice.held).obj if choices else None


class Scored:
    """Chooses by the network, and remembers what failed tries felt."""

    remembers = True
    prior = HiddenPrior()

    def __init__(self) -> None:
        self._failed: list[tuple[int, Grasp]] = []
        self._memory = AttemptMemory(Hypotheses(self.prior))

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript; where any object will do, what was felt is remembered from try to try."""
        from autoglm_embodied.grasping.grasp_choice import GraspChooser, scorer_of  # torch: no other needs it

        chooser = GraspChooser(scorer_of(), self._memory, rig.grip_force_n, rng)
        failed = self._failed if target is None else []
        feeling = FeelingRig(rig)
        return ScoredGrasp(feeling, target, ALL, failed=failed, chooser=chooser, remembers=self.remembers).run()


class ScoredWithoutMemory(Scored):
    """The same, but what was felt changes nothing except that no grasp is repeated."""

    remembers = False
