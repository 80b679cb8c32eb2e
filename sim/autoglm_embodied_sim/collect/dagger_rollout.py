"""The policy itself on the rig, so that the expert can label where it gets to.

Dataset aggregation of Ross, Gordon and Bagnell 2011 (DAgger): the learner acts, the expert labels.
"""

from __future__ import annotations

import numpy as np

from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.types import Command
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action

HELP_PROBABILITY = 0.01  # a tick
HELP_TICKS = (10, 40)


class DaggerRollout:
    """Acts by the grasp controller, and for short stretches by the expert, to get past where the policy is stuck."""

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
        self._rng = rng
        self._begin: str | None = instruction
        self._help_ticks = 0

    def act(self, state: ExpertState) -> Command:
        """The command of this tick; the expert's where the policy gives none, or has ended the grasp."""
        now_ns = self._rollout.rig.time_ns
        self._controller.pipeline.push_frame(self._rollout.late_frame(), now_ns)
        command = self._controller.step(now_ns, now_ns, self._begin, None).command
        self._begin = None
        if self._help_ticks == 0 and self._rng.random() < HELP_PROBABILITY:
            self._help_ticks = int(self._rng.integers(*HELP_TICKS))
        if self._help_ticks > 0 or command is None:
            self._help_ticks = max(0, self._help_ticks - 1)
            twist, width_m, _ = expert_action(state)
            return Command(twist, width_m)
        return command
