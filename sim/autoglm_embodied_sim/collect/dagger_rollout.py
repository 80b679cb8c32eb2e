"""The policy itself on the rig, so that the expert can say what it should have done where it got to.

Dataset aggregation of Ross, Gordon and Bagnell 2011 (DAgger): the learner acts, the expert labels.
"""

from __future__ import annotations

import numpy as np

from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.types import Command
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action


class DaggerRollout:
    """Acts by the pipeline, and for short stretches by the expert, so that it gets past where it is still stuck."""

    def __init__(self, pipeline: Pipeline, rollout: SimulatedRollout, sentence: str, rng: np.random.Generator) -> None:
        self._pipeline = pipeline
        self._rollout = rollout
        self._rng = rng
        self._helped_ticks = 0
        pipeline.begin(sentence, rollout.rig.time_ns)

    def act(self, state: ExpertState) -> Command:
        """The command of this tick."""
        now_ns = self._rollout.rig.time_ns
        self._pipeline.push_frame(self._rollout.late_frame(), now_ns)
        chunk = self._pipeline.tick(now_ns, now_ns).chunk
        if self._helped_ticks == 0 and self._rng.random() < 0.01:
            self._helped_ticks = int(self._rng.integers(10, 40))
        if self._helped_ticks > 0 or chunk is None:
            self._helped_ticks = max(0, self._helped_ticks - 1)
            twist, width_m, _ = expert_action(state)
            return Command(twist, width_m)
        return Command(chunk.twist[0], float(chunk.gripper_width_m[0]))
