"""The strongest script: all that AntipodalForce does, and every skill there is."""

from __future__ import annotations

import numpy as np

from autoglm_embodied_sim.policies.baseline import PolicyReport
from autoglm_embodied_sim.policies.force_feedback import ForceFeedbackGrasp, Skills
from autoglm_embodied_sim.policies.grasp import Grasp
from autoglm_embodied_sim.robots.hand_rig import HandRig

ALL = Skills(calibrate=True, verify=True, dig=True, preshape=True, no_repeats=True)


class Script:
    """Calibrates on the table, verifies by looking, digs, preshapes, and repeats no grasp that failed."""

    def __init__(self) -> None:
        self._failed: list[tuple[int, Grasp]] = []

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline; where any object will do, what failed is remembered from try to try."""
        return ForceFeedbackGrasp(rig, target, ALL, failed=self._failed if target is None else []).run()
