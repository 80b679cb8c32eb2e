"""What a policy may do with a hand and feel through it, whatever carries the hand."""

from __future__ import annotations

from typing import Protocol

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gantry.rig import HandPose
from autoglm_embodied_sim.gantry.view import View


class HandRig(Protocol):
    """A hand over a table; poses are of the fingertips, in the base frame, whose z = 0 is the table."""

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are."""

    @property
    def width_m(self) -> float:
        """The opening."""

    @property
    def time_ns(self) -> int:
        """Time passed."""

    def look(self) -> View:
        """A picture from above."""

    def move(self, pose: HandPose, speed_m_s: float = ..., guard_n: float | None = None) -> bool:
        """Go straight to a pose; False if more than `guard_n` was felt, where the hand then stands."""

    def grip(self, width_m: float) -> float:
        """Move the fingers; returns the opening reached."""

    def tare(self) -> None:
        """Call what the wrist carries now nothing."""

    def weigh(self) -> FloatArray | None:
        """(6,) the load on the wrist at rest [N, N·m], z down; None without a wrist sensor."""

    def wait(self, seconds: float) -> None:
        """Stand still."""
