"""What a baseline is: something that grasps on a rig and tells how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from autoglm_embodied_sim.robots.hand_rig import HandRig


@dataclass(frozen=True)
class PolicyReport:
    """How an episode went, as the policy saw it."""

    approaches: int  # times the hand came down
    tries: int  # times it closed, or gave up
    confident: bool  # whether the policy believes that it holds the object; open loop always does


class Baseline(Protocol):
    """A policy for the suites."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """Grasp the object `target`, whose pixels the simulator tells, and end holding it up.

        Without a target any object will do: choose among those in sight, whose pixels are told apart, and try once.
        """
