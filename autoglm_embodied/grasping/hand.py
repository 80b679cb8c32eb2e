"""A hand over a table, as a policy sees and moves it, whatever carries the hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import CommandError
from autoglm_embodied.types import FloatArray, Frame

MAX_WIDTH_M = 0.08
"""The widest opening of the hand."""
TRAVEL_M_S = 0.35
"""How fast a hand goes where nothing is near."""
REST_S = 0.16  # a wrench read while the hand still slows down is off by a newton
STILL_M_S = 0.004  # fingers that are slower stand still
NOTHING = -1
NAMED_LABEL = 1
"""In a mask of objects, the pixels of the one that was named; 0 is no object, and the others have higher ones."""


@dataclass(frozen=True)
class View:
    """An RGB-D image of the table, as measured.

    `owner` comes from the segmenter, or for scripts that are told it from the simulator.
    The camera's pose is the one the robot believes in; under hard physics it is off by a few millimetres.
    """

    frame: Frame
    owner: NDArray[np.int16]  # (height, width) index of the object seen, NOTHING elsewhere

    def points_m(self) -> FloatArray:
        """(height, width, 3) where each pixel's surface is believed to be, base frame; NaN where depth is unknown."""
        camera, depth = self.frame.camera, np.asarray(self.frame.depth_m, dtype=float)
        rows, columns = np.mgrid[: camera.height, : camera.width]
        rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(camera.K).T
        points = rays * np.where(depth > 0, depth, np.nan)[..., None]
        return np.asarray(points @ camera.T_base_camera[:3, :3].T + camera.T_base_camera[:3, 3])


@dataclass(frozen=True)
class HandPose:
    """Where the fingertips are in the table frame: the point between their lower ends, and the turn about the vertical.

    At `yaw_rad` 0 the fingers close along the table's y axis.
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x_m, self.y_m, self.z_m, self.yaw_rad))):
            raise CommandError(f"a pose of the hand must be finite, got {self.values.tolist()}; nothing was moved")

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

    grip_force_n: float
    """With which each finger closes, as it is set."""
    aside: HandPose
    """Where the hand hides nothing from the camera."""
    set_down_poses: Sequence[HandPose]
    """Where to lay down, in turn, what is in the way of others; out of the camera's sight, too."""
    half_size_m: tuple[float, ...]
    """x and y, table frame, within which objects lie; what is farther off is none, such as the robot's base."""

    def look(self) -> View:
        """An image of the table."""

    def move(self, pose: HandPose, speed_m_s: float = ..., guard_n: float | None = None) -> bool:
        """Go straight to a pose; False if the hand had to stop on the way, because more than `guard_n` was felt."""

    def grip(self, width_m: float) -> float:
        """Move the fingers; returns the opening reached."""

    def tare(self) -> None:
        """Zero the wrist sensor with what the hand carries now."""

    def weigh(self) -> FloatArray | None:
        """(6,) the load on the wrist at rest [N, N·m], z down; None without a wrist sensor."""

    def wait(self, seconds: float) -> None:
        """Stand still."""


class WrappedRig:
    """Passes on to the rig inside what a subclass does not do itself."""

    pose: HandPose
    width_m: float
    time_ns: int
    grip_force_n: float
    aside: HandPose
    set_down_poses: Sequence[HandPose]
    half_size_m: tuple[float, ...]
    look: Callable[[], View]
    tare: Callable[[], None]
    weigh: Callable[[], FloatArray | None]
    wait: Callable[[float], None]

    def __init__(self, rig: HandRig) -> None:
        self._rig = rig

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in WrappedRig.__annotations__:
                raise AttributeError(name)  # a policy is shown nothing else of a rig
            return getattr(self._rig, name)

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """See HandRig."""
        return self._rig.move(pose, speed_m_s, guard_n)

    def grip(self, width_m: float) -> float:
        """See HandRig."""
        return self._rig.grip(width_m)


def unwrapped(rig: HandRig) -> HandRig:
    """The rig inside all wrappers; only for what may see the simulator's state."""
    while isinstance(rig, WrappedRig):
        rig = rig._rig
    return rig
