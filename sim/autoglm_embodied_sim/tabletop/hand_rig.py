"""What a policy may do with a hand and feel through it, whatever carries the hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.tabletop.hand_pose import HandPose
from autoglm_embodied_sim.tabletop.view import View


class HandRig(Protocol):
    """A hand over a table; poses are of the fingertips, in the table frame.

    Its origin is the middle of the working area, on the table's top, and z points up.
    """

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are."""

    @property
    def width_m(self) -> float:
        """The opening."""

    @property
    def time_ns(self) -> int:
        """Time passed."""

    @property
    def aside(self) -> HandPose:
        """Where the hand hides nothing from the camera."""

    @property
    def dumps(self) -> Sequence[HandPose]:
        """Where to lay down, in turn, what is in the way of others."""

    def look(self) -> View:
        """A picture of the table."""

    def move(self, pose: HandPose, speed_m_s: float = ..., guard_n: float | None = None) -> bool:
        """Go straight to a pose; False if the hand had to stop on the way, because more than `guard_n` was felt."""

    def grip(self, width_m: float) -> float:
        """Move the fingers; returns the opening reached."""

    def tare(self) -> None:
        """Call what the wrist carries now nothing."""

    def weigh(self) -> FloatArray | None:
        """(6,) the load on the wrist at rest [N, N·m], z down; None without a wrist sensor."""

    def wait(self, seconds: float) -> None:
        """Stand still."""
