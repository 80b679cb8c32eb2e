"""What laying out a scene and judging a grasp need of a rig besides what a policy may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.tabletop.hand_pose import HandPose
from autoglm_embodied_sim.tabletop.hand_rig import HandRig
from autoglm_embodied_sim.tabletop.item_camera import ItemCamera
from autoglm_embodied_sim.tabletop.item_reader import ItemReader


class SuiteRig(HandRig, Protocol):
    """A rig with the items of one scene, its MuJoCo model, and the truth about them."""

    model: Any
    data: Any
    truth: ItemReader
    origin_m: FloatArray
    """(3,) of the table frame, in that of the model."""
    watch: Callable[[], None] | None
    """Called after every step; it may read, and change nothing."""

    def eye(self) -> ItemCamera:
        """The camera through which policies look."""

    def swing(self, middle: HandPose, amplitude: HandPose, rate_hz: float, times: int) -> None:
        """Move to and fro about a pose along `amplitude`, as a sine that swells and fades within half a swing."""

    def close(self) -> None:
        """Free what is held on the GL side."""
