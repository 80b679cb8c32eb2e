"""The best pair of edges that face each other, with up to three tries guided by what the wrist feels."""

from __future__ import annotations

import numpy as np

from autoglm_embodied_sim.policies.baseline import PolicyReport
from autoglm_embodied_sim.policies.force_feedback import ForceFeedbackGrasp, Skills
from autoglm_embodied_sim.robots.hand_rig import HandRig


class AntipodalForce:
    """Stops at what it touches, weighs what it lifts, and looks again before another try."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline."""
        return ForceFeedbackGrasp(rig, target, Skills()).run()
