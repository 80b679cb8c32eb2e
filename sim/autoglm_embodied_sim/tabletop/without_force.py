"""A rig whose wrist sensor is missing: it feels nothing, and says so rather than that it felt zero."""

from __future__ import annotations

from autoglm_embodied_sim.tabletop.hand_pose import TRAVEL_M_S, HandPose
from autoglm_embodied_sim.tabletop.wrapped import WrappedRig


class RigWithoutForce(WrappedRig):
    """The same rig, numb; the fingers' encoders stay."""

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """Go straight to a pose; nothing is felt on the way, so that no guard stops the hand."""
        return self._rig.move(pose, speed_m_s)

    def tare(self) -> None:
        """There is nothing to tare."""

    def weigh(self) -> None:
        """What the hand carries is unknown."""
        return None
