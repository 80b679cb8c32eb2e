"""Pictures of an episode for people: what lay there and what was named, the last contact, and how it ended."""

from __future__ import annotations

from typing import Any

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gantry.overhead import T_BASE_CAMERA, intrinsics
from autoglm_embodied_sim.gantry.rig import Gantry

MOMENTS = ("before", "contact", "after")
SIZE_PX = 240
CLOSE_M, CLOSE_ELEVATION_DEG = 0.42, -35.0
CROP_PX = 370  # of the picture from above: the middle, where the items are
BESIDE_M = 0.3  # from the middle of the table; there the camera above does not see the hand
RING_PX, INK, PAPER = 30, (20, 20, 20), (255, 255, 255)
JPEG_QUALITY = 82


class Album:
    """Keeps the newest picture of each moment; the rig is only read, so that the episode goes as it would without."""

    def __init__(self) -> None:
        self.jpegs: dict[str, bytes] = {}

    def before(self, rig: Gantry, target: int) -> None:
        """The table from above, the named item ringed."""
        self._keep("before", _from_above(rig, target))

    def contact(self, rig: Gantry) -> None:
        """The fingers, from the side on which their gap is seen."""
        self._keep("contact", rig.photograph(_close_up(rig)))

    def after(self, rig: Gantry, target: int, empty: bool) -> None:
        """The same after the judge's trial; the table from above where the hand stands beside it, `empty`."""
        beside = empty and abs(rig.pose.x_m) > BESIDE_M
        self._keep("after", _from_above(rig, target) if beside else rig.photograph(_close_up(rig)))

    def _keep(self, moment: str, picture: NDArray[np.uint8]) -> None:
        small = cv2.resize(picture, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        self.jpegs[moment] = jpeg.tobytes()


def _from_above(rig: Gantry, target: int) -> NDArray[np.uint8]:
    camera = mujoco.MjvCamera()
    camera.type, camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, rig.model.camera("overhead").id
    picture = rig.photograph(camera)
    _ring(picture, rig.truth.position_m(rig.data)[target])
    margin = (len(picture) - CROP_PX) // 2
    return picture[margin:-margin, margin:-margin]


def _close_up(rig: Gantry) -> Any:
    """A camera that looks across the line along which the fingers close, a little from above."""
    pose, camera = rig.pose, mujoco.MjvCamera()
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    camera.lookat[:] = [pose.x_m, pose.y_m, pose.z_m]
    camera.distance, camera.elevation, camera.azimuth = CLOSE_M, CLOSE_ELEVATION_DEG, np.degrees(pose.yaw_rad)
    return camera


def _ring(picture: NDArray[np.uint8], position_m: FloatArray) -> None:
    """Mark a place (3,) of the base frame."""
    x, y, z = np.linalg.inv(T_BASE_CAMERA)[:3] @ [*position_m, 1.0]
    column, row, _ = intrinsics() @ [x / z, y / z, 1.0]
    for radius, colour in ((RING_PX, INK), (RING_PX + 3, PAPER)):
        cv2.circle(picture, (round(column), round(row)), radius, colour, 3, cv2.LINE_AA)
