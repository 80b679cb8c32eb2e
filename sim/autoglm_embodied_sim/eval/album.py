"""Images of an episode for people: what lay there and what was named, the last contact, and how it ended."""

from __future__ import annotations

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied_sim.robots.hand_rig import SuiteRig

MOMENTS = ("before", "contact", "after")
SIZE_PX = 240
CLOSE_M, CLOSE_ELEVATION_DEG = 0.42, -35.0
CROP = 0.77  # of the camera's image: the middle, where the objects are
BESIDE_M = 0.05  # from where the hand hides nothing
RING_PX, INK, PAPER = 30, (20, 20, 20), (255, 255, 255)
JPEG_QUALITY = 82


class Album:
    """Keeps the newest image of each moment; the rig is only read, so that the episode goes as it would without."""

    def __init__(self) -> None:
        self.jpegs: dict[str, bytes] = {}

    def before(self, rig: SuiteRig, target: int | None) -> None:
        """The table as the camera sees it, the named object ringed if there is one."""
        self._keep("before", _from_above(rig, target))

    def contact(self, rig: SuiteRig) -> None:
        """The fingers, from the side on which their gap is seen."""
        self._keep("contact", _close_up(rig))

    def after(self, rig: SuiteRig, target: int | None, empty: bool) -> None:
        """The same after the judge's trial; the table from above where the hand stands beside it, `empty`."""
        beside = empty and np.hypot(*(rig.pose.values - rig.aside.values)[:2]) < BESIDE_M
        self._keep("after", _from_above(rig, target) if beside else _close_up(rig))

    def _keep(self, moment: str, image: NDArray[np.uint8]) -> None:
        small = cv2.resize(image, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        self.jpegs[moment] = jpeg.tobytes()


def _from_above(rig: SuiteRig, target: int | None) -> NDArray[np.uint8]:
    image = rig.eye().photograph(rig.data)
    if target is not None:
        _ring(image, rig.eye().believed, rig.truth.position_m(rig.data)[target])
    height, width = image.shape[:2]
    side = round(CROP * height)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _close_up(rig: SuiteRig) -> NDArray[np.uint8]:
    """Across the line along which the fingers close, a little from above."""
    pose, camera = rig.pose, mujoco.MjvCamera()
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    camera.lookat[:] = pose.values[:3] + rig.origin_m
    camera.distance, camera.elevation, camera.azimuth = CLOSE_M, CLOSE_ELEVATION_DEG, np.degrees(pose.yaw_rad)
    return rig.eye().photograph(rig.data, camera)


def _ring(image: NDArray[np.uint8], camera: Camera, position_m: FloatArray) -> None:
    """Mark a place (3,) of the table frame."""
    x, y, z = np.linalg.inv(camera.T_base_camera)[:3] @ [*position_m, 1.0]
    column, row, _ = camera.K @ [x / z, y / z, 1.0]
    for radius, colour in ((RING_PX, INK), (RING_PX + 3, PAPER)):
        cv2.circle(image, (round(column), round(row)), radius, colour, 3, cv2.LINE_AA)
