"""The expert with perturbed actions, so that demonstrations show how it recovers.

The arm is perturbed, never the label (Laskey et al. 2017, DART): each sample keeps what the expert would do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoglm_embodied.types import Command, FloatArray
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action

OPEN_M = 0.08
EMPTY_M = 0.006
LOOKS_AGAIN = 0.02  # a tick


class PerturbedExpert:
    """Acts like the expert but misjudges the target, is pushed, closes early or lets go, at random."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._speed = rng.uniform(0.6, 1.0)
        self._misjudged_m = self._misjudge(0.5)
        self._push: FloatArray = np.zeros(6)
        self._push_ticks = 0
        self._grip_ticks = 0
        self._grip_m = OPEN_M

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
        if self._push_ticks == 0 and self._rng.random() < 0.03:
            self._push_ticks = int(self._rng.integers(4, 12))
            self._push = np.r_[self._rng.normal(0, 0.08, 3), self._rng.normal(0, 0.2, 3)]
        if self._push_ticks == 0:
            return np.zeros(6)
        self._push_ticks -= 1
        return self._push

    def _gripped(self, width_m: float) -> float:
        if self._grip_ticks == 0 and self._rng.random() < 0.004:
            self._grip_ticks = int(self._rng.integers(4, 14))
            self._grip_m = OPEN_M - width_m  # closes early or lets go
        if self._grip_ticks == 0:
            return width_m
        self._grip_ticks -= 1
        return self._grip_m
