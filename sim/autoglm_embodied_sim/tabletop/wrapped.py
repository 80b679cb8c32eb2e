"""A rig around a rig: what wrappers that change or watch a part of it leave as it is."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.tabletop.hand_pose import TRAVEL_M_S, HandPose
from autoglm_embodied_sim.tabletop.hand_rig import HandRig
from autoglm_embodied_sim.tabletop.view import View


class WrappedRig:
    """Passes everything on; see HandRig."""

    def __init__(self, rig: HandRig) -> None:
        self._rig = rig

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are."""
        return self._rig.pose

    @property
    def width_m(self) -> float:
        """The opening."""
        return self._rig.width_m

    @property
    def time_ns(self) -> int:
        """Time passed."""
        return self._rig.time_ns

    @property
    def aside(self) -> HandPose:
        """Where the hand hides nothing from the camera."""
        return self._rig.aside

    @property
    def dumps(self) -> Sequence[HandPose]:
        """Where to lay down, in turn, what is in the way of others."""
        return self._rig.dumps

    def look(self) -> View:
        """A picture from above."""
        return self._rig.look()

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """Go straight to a pose; False if more than `guard_n` was felt on the way."""
        return self._rig.move(pose, speed_m_s, guard_n)

    def grip(self, width_m: float) -> float:
        """Move the fingers; returns the opening reached."""
        return self._rig.grip(width_m)

    def tare(self) -> None:
        """Call what the wrist carries now nothing."""
        self._rig.tare()

    def weigh(self) -> FloatArray | None:
        """(6,) the load on the wrist at rest [N, N·m]; None without a wrist sensor."""
        return self._rig.weigh()

    def wait(self, seconds: float) -> None:
        """Stand still."""
        self._rig.wait(seconds)


def unwrapped(rig: HandRig) -> HandRig:
    """The rig inside all wrappers; only for what may see the simulator's state."""
    while isinstance(rig, WrappedRig):
        rig = rig._rig
    return rig
