"""Policies to which the simulator tells where the camera really stands: what the hidden offset costs them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.force_feedback import PolicyReport
from autoglm_embodied.grasping.hand import HandRig, View, WrappedRig, unwrapped
from autoglm_embodied.grasping.scored import Scored
from autoglm_embodied.policy.attempt_memory import HiddenPrior
from autoglm_embodied_sim.policies.baselines import Script
from autoglm_embodied_sim.robots.hand_rig import SuiteRig


class TrueCameraRig(WrappedRig):
    """The same rig, but its images say where the camera really stands."""

    def __init__(self, rig: HandRig) -> None:
        """ConfigError if the rig is not a simulated one in this process."""
        super().__init__(rig)
        inside = unwrapped(rig)
        if not isinstance(inside, SuiteRig):
            raise ConfigError(
                "where the camera really stands only the simulator knows, and no topic tells it; use script or scored"
            )
        self._simulated = inside

    def look(self) -> View:
        """See HandRig."""
        view = self._rig.look()
        camera = replace(view.frame.camera, T_base_camera=self._simulated.camera_pose())
        return replace(view, frame=replace(view.frame, camera=camera))


class ScriptTrueCamera(Script):
    """Shown the camera's true pose; no policy that is to run on a robot may be built like this."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        return super().run(TrueCameraRig(rig), target, rng)


class ScoredTrueCamera(Scored):
    """The same, shown the camera's true pose; no policy that is to run on a robot may be built like this."""

    prior = HiddenPrior(offset_sigma_m=0.0)

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        return super().run(TrueCameraRig(rig), target, rng)
