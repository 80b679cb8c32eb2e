"""Who drives the arm while the expert labels what it would do there: the expert itself, perturbed, or the learner."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.types import Command, FloatArray
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action

OPEN_M = 0.08
EMPTY_M = 0.006
LOOKS_AGAIN = 0.02  # a tick


@dataclass
class Burst:
    """Begins at random, and lasts for a random number of ticks."""

    rng: np.random.Generator
    probability: float  # to begin, a tick
    ticks: tuple[int, int]  # least, and one more than most
    left: int = 0

    def begins(self) -> bool:
        """Whether one begins in this tick; never while one lasts."""
        if self.left or self.rng.random() >= self.probability:
            return False
        self.left = int(self.rng.integers(*self.ticks))
        return True

    def lasts(self) -> bool:
        """Whether one lasts in this tick, which is then behind it."""
        lasts = self.left > 0
        self.left -= lasts
        return lasts


class PerturbedExpert:
    """Acts like the expert but misjudges the target, is pushed, closes early or lets go, at random.

    The arm is perturbed, never the label (Laskey et al. 2017, DART), so that demonstrations show how it recovers.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._speed = rng.uniform(0.6, 1.0)
        self._misjudged_m = self._misjudge(0.5)
        self._pushes, self._push = Burst(rng, 0.03, (4, 12)), np.zeros(6)
        self._slips, self._slip_m = Burst(rng, 0.004, (4, 14)), OPEN_M

    def act(self, state: ExpertState) -> Command:
        """The command of this tick."""
        felt_nothing = state.width_m < EMPTY_M
        if self._misjudged_m.any() and (felt_nothing or self._rng.random() < LOOKS_AGAIN):
            self._misjudged_m = self._misjudge(0.2)  # another try; the fingers may stand on the object
        seen = state if state.held else replace(state, target_m=state.target_m + self._misjudged_m)
        twist, width_m, _ = expert_action(seen)
        return Command(self._speed * twist + self._pushed(), self._gripped(width_m))

    def _misjudge(self, probability: float) -> FloatArray:
        if self._rng.random() > probability:
            return np.zeros(3)
        angle, distance_m = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(0.008, 0.045)
        return np.array([np.cos(angle), np.sin(angle), 0]) * distance_m

    def _pushed(self) -> FloatArray:
        if self._pushes.begins():
            self._push = np.r_[self._rng.normal(0, 0.08, 3), self._rng.normal(0, 0.2, 3)]
        return self._push if self._pushes.lasts() else np.zeros(6)

    def _gripped(self, width_m: float) -> float:
        if self._slips.begins():
            self._slip_m = OPEN_M - width_m  # closes early or lets go
        return self._slip_m if self._slips.lasts() else width_m


class DaggerRollout:
    """Acts by the grasp controller, and for short stretches by the expert, to get past where the policy is stuck.

    Dataset aggregation of Ross, Gordon and Bagnell 2011 (DAgger): the learner acts, the expert labels.
    """

    def __init__(
        self, controller: GraspController, rollout: SimulatedRollout, instruction: str, rng: np.random.Generator
    ) -> None:
        """Begin.

        Args:
            controller: of the policy that learns.
            rollout: the arm that it drives.
            instruction: names the object.
            rng: decides when the expert helps.
        """
        self._controller = controller
        self._rollout = rollout
        self._begin: str | None = instruction
        self._helps = Burst(rng, 0.01, (10, 40))

    def act(self, state: ExpertState) -> Command:
        """The command of this tick; the expert's where the policy gives none, or has ended the grasp."""
        command = self._rollout.sense(self._controller, self._begin).command
        self._begin = None
        self._helps.begins()
        if self._helps.lasts() or command is None:
            twist, width_m, _ = expert_action(state)
            return Command(twist, width_m)
        return command
