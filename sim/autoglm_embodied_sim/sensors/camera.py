"""The fixed camera: its settings file, and the pinhole model that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoglm_embodied.config import build, read_yaml, shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.ingest.calibration import CameraMount
from autoglm_embodied.types import Camera, FloatArray

LEAST_FOVY_DEG = 4.0  # less was given in radians
MAX_WIDTH_PX, MAX_HEIGHT_PX = 640, 480
"""Of what can be rendered."""


@dataclass(frozen=True)
class CameraSettings(CameraMount):
    """A fixed camera: its mount, size and vertical field of view."""

    frame_id: str
    parent_frame_id: str
    width: int
    height: int
    fovy_deg: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.width, self.height) <= 0:
            raise ConfigError(f"CameraSettings' width and height must be above 0, got {self.width} and {self.height}")
        if not LEAST_FOVY_DEG < self.fovy_deg < 180:
            raise ConfigError(
                f"CameraSettings.fovy_deg must lie from {LEAST_FOVY_DEG:g} to 180 degrees, got {self.fovy_deg}"
            )

    @classmethod
    def from_file(cls, path: Path | None = None) -> CameraSettings:
        """Read the camera from YAML; the one the packages share if no path is given."""
        path = path or shipped("camera.yaml")
        return build(cls, read_yaml(path), str(path))

    def camera(self, width: int, height: int) -> Camera:
        """The pinhole model of an image of `width` x `height` with this camera's vertical field of view."""
        return pinhole(width, height, self.fovy_deg, self.T_base_camera)

    def moved(self, by_m: FloatArray) -> CameraSettings:
        """The same camera, `by_m` (3,) away."""
        return replace(self, xyz_m=tuple((np.asarray(self.xyz_m) + by_m).tolist()))

    @property
    def T_base_camera(self) -> FloatArray:
        """(4, 4) pose of the optical frame in the base frame."""
        transform = np.eye(4)
        x, y, z, w = np.asarray(self.quaternion_xyzw) / np.linalg.norm(self.quaternion_xyzw)
        transform[:3, :3] = rotation(np.array([w, x, y, z]))
        transform[:3, 3] = self.xyz_m
        return transform


def rotation(quaternion_wxyz: FloatArray) -> FloatArray:
    """(3, 3) rotation of a unit quaternion (4,)."""
    w, x, y, z = quaternion_wxyz
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def pinhole(width: int, height: int, fovy_deg: float, T_base_camera: FloatArray) -> Camera:
    """A camera without distortion, its axis through the middle of the image.

    Args:
        width: of its images [px].
        height: of its images [px].
        fovy_deg: vertical field of view.
        T_base_camera: (4, 4) pose of its optical frame in the base frame.
    """
    focal = 0.5 * height / np.tan(np.radians(fovy_deg) / 2)
    K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return Camera(width, height, K, T_base_camera)
