"""What a policy, the layout of a scene and the judge may do with a hand over a table, whatever carries the hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.object_state import ObjectState
from autoglm_embodied_sim.sensors.object_camera import ObjectCamera
from autoglm_embodied_sim.sensors.view import View

MAX_WIDTH_M = 0.08
"""The widest opening of the hand."""
TRAVEL_M_S = 0.35
"""How fast a hand goes where nothing is near."""


@dataclass(frozen=True)
class HandPose:
    """Where the fingertips are in the table frame: the point between their lower ends, and the turn about the vertical.

    At `yaw_rad` 0 the fingers close along the table's y axis.
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float

    def raised_to(self, z_m: float) -> HandPose:
        """The same place at another height."""
        return HandPose(self.x_m, self.y_m, z_m, self.yaw_rad)

    def moved_by(self, way: HandPose) -> HandPose:
        """As far from here as `way` is from the table's middle."""
        return HandPose(*(self.values + way.values).tolist())

    @property
    def values(self) -> FloatArray:
        """(4,) x, y, z, yaw."""
        return np.array([self.x_m, self.y_m, self.z_m, self.yaw_rad])


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
    def set_down_poses(self) -> Sequence[HandPose]:
        """Where to lay down, in turn, what is in the way of others."""

    def look(self) -> View:
        """An image of the table."""

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


class SuiteRig(HandRig, Protocol):
    """A rig with the objects of one scene, its MuJoCo model, and the truth about them."""

    model: Any
    data: Any
    truth: ObjectState
    origin_m: FloatArray
    """(3,) of the table frame, in that of the model."""
    watch: Callable[[], None] | None
    """Called after every step; it may read, and change nothing."""

    def eye(self) -> ObjectCamera:
        """The camera through which policies look."""

    def drive(self, twist: FloatArray, seconds: float) -> None:
        """Move the hand with a twist (6,) [m/s, rad/s, table frame] for so long, whatever it meets."""

    def close(self) -> None:
        """Free what is held on the GL side."""


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
    def set_down_poses(self) -> Sequence[HandPose]:
        """Where to lay down, in turn, what is in the way of others."""
        return self._rig.set_down_poses

    def look(self) -> View:
        """An image from above."""
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
