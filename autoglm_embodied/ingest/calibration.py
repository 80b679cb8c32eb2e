"""Where a camera is and how it draws: its pose from its file, its intrinsics and lens distortion from camera_info."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from autoglm_embodied.config import build, read_yaml
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.ingest.cdr import read_camera_info
from autoglm_embodied.types import FloatArray

EQUIDISTANT = "equidistant"
POLYNOMIAL = (4, 5, 8, 12, 14)
MODELS = {"plumb_bob": POLYNOMIAL, "rational_polynomial": POLYNOMIAL, EQUIDISTANT: (4,)}
"""Of distortion, and how many coefficients each may have."""
RECTIFIED = re.compile(r"(_|/|^)rect(_[^/]*)?(/compressed(Depth)?)?$")  # as image_proc and drivers name such topics
OUTSIDE_PX = -1000.0
NO_FRACTIONS = np.empty(0, np.uint16)
NORM_TOLERANCE = 0.01  # of a quaternion written with few digits


@dataclass(frozen=True)
class CameraMount:
    """Pose of a camera's optical frame (REP 103: z forward, x right, y down) in the base frame.

    Where depth is another camera's, its optical frame is named too, with its pose in that of colour.
    """

    xyz_m: tuple[float, ...]
    quaternion_xyzw: tuple[float, ...]
    depth_frame_id: str = field(default="", kw_only=True)
    depth_xyz_m: tuple[float, ...] = field(default=(0.0, 0.0, 0.0), kw_only=True)
    depth_quaternion_xyzw: tuple[float, ...] = field(default=(0.0, 0.0, 0.0, 1.0), kw_only=True)

    def __post_init__(self) -> None:
        for name in ("xyz_m", "quaternion_xyzw", "depth_xyz_m", "depth_quaternion_xyzw"):
            numbers, size = getattr(self, name), 3 if name.endswith("xyz_m") else 4
            if len(numbers) != size:
                raise ConfigError(f"{name} must hold {size} numbers, got {len(numbers)}")
            norm = np.linalg.norm(numbers)
            if size == 4 and abs(norm - 1) > NORM_TOLERANCE:
                raise ConfigError(f"{name} must have length 1, x y z w, got length {norm:.4g}; divide it by that")


def camera_mount(path: Path) -> CameraMount:
    """Where the cameras of a YAML file are.

    Raises:
        ConfigError: the file cannot be read or lacks `xyz_m` or `quaternion_xyzw`.
    """
    own = [each.name for each in fields(CameraMount)]  # the simulator's camera has further settings
    return build(CameraMount, {key: value for key, value in read_yaml(path).items() if key in own}, str(path))


def camera_pose(path: Path) -> FloatArray:
    """T_base_camera (4, 4) of the optical frame of colour, from a YAML file; the errors are those of `camera_mount`."""
    mount = camera_mount(path)
    return pose(mount.xyz_m, mount.quaternion_xyzw)


def pose(xyz_m: tuple[float, ...], quaternion_xyzw: tuple[float, ...]) -> FloatArray:
    """(4, 4) transform of a position and an orientation."""
    transform = np.eye(4)
    transform[:3, 3] = xyz_m
    transform[:3, :3] = Rotation.from_quat(quaternion_xyzw).as_matrix()
    return transform


@dataclass(frozen=True)
class Calibration:
    """Intrinsics from camera_info: K (3, 3) in pixels of an image of `width` x `height`, and the lens distortion.

    D holds the coefficients of one of MODELS (REP 104); all zero or none, the image is taken for a pinhole's. An image
    that was rectified already comes with the same camera_info, of which P (3, 4) then is its own.
    """

    width: int
    height: int
    K: FloatArray
    D: FloatArray = field(default_factory=lambda: np.zeros(0))
    model: str = ""
    P: FloatArray = field(default_factory=lambda: np.zeros((3, 4)))
    frame: str = ""  # of the camera_info's header

    def __post_init__(self) -> None:
        if not np.isfinite(self.K).all() or self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise SensorError("camera_info must hold positive focal lengths; calibrate the camera")
        if not self.distorted:
            return
        if self.model not in MODELS:
            raise SensorError(
                f"camera_info must name one of {', '.join(MODELS)} as its distortion_model, got {self.model!r}; "
                "take the rectified image, with a camera_info whose D is zero"
            )
        if len(self.D) not in MODELS[self.model] or not np.isfinite(self.D).all():
            raise SensorError(
                f"D of camera_info must hold {' or '.join(map(str, MODELS[self.model]))} finite numbers "
                f"for {self.model}, got {self.D.tolist()}; calibrate the camera"
            )

    @classmethod
    def read(cls, data: bytes) -> Calibration:
        """That of a CameraInfo message.

        Raises:
            SensorError: the message is malformed, its focal lengths are none, or its distortion cannot be undone.
        """
        return cls(*read_camera_info(data))

    def of_topic(self, topic: str) -> Calibration:
        """That of the images of a topic, which may be rectified ones; SensorError if it has none of these."""
        if not RECTIFIED.search(topic):
            return self
        return Calibration(self.width, self.height, np.ascontiguousarray(self.P[:, :3]), frame=self.frame)

    @property
    def distorted(self) -> bool:
        """Whether the lens distorts."""
        return bool(self.D.any())

    def undistorted(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(height, width, 3) that a pinhole camera with the same K would see; black where this lens sees nothing."""
        if not self.distorted:
            return rgb
        colour_map, fractions, _ = self._maps()
        colour = cv2.remap(np.ascontiguousarray(rgb), colour_map, fractions, cv2.INTER_LINEAR)
        return np.asarray(colour, np.uint8)

    def undistorted_depth(self, depth_m: FloatArray) -> FloatArray:
        """(height, width) that a pinhole camera with the same K would measure; 0 where this lens sees nothing.

        Depths are never mixed: between an object and the table there is nothing. They are along the optical axis, which
        distortion leaves as it is.
        """
        if not self.distorted:
            return depth_m
        depth = cv2.remap(np.ascontiguousarray(depth_m, np.float32), self._maps()[2], NO_FRACTIONS, cv2.INTER_NEAREST)
        return np.asarray(depth, np.float32)

    def _maps(self) -> tuple[NDArray[Any], ...]:
        return _maps(self.width, self.height, self.K.tobytes(), self.D.tobytes(), self.model == EQUIDISTANT)


@lru_cache(maxsize=4)
def _maps(width: int, height: int, K_bytes: bytes, D_bytes: bytes, equidistant: bool) -> tuple[NDArray[Any], ...]:
    """Where each undistorted pixel lies: whole pixels and fractions for colour, the nearest pixel for depth."""
    K, D, size = np.frombuffer(K_bytes).reshape(3, 3), np.frombuffer(D_bytes), (width, height)
    undistort = cv2.fisheye.initUndistortRectifyMap if equidistant else cv2.initUndistortRectifyMap
    x, y = undistort(K, D, np.eye(3), K, size, cv2.CV_32FC1)
    # A polynomial turns back beyond the lens's edge, and would show its image once more there.
    determinant = np.gradient(x, axis=1) * np.gradient(y, axis=0) - np.gradient(x, axis=0) * np.gradient(y, axis=1)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    radius = np.hypot((columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1])
    beyond = radius >= np.min(radius, where=~(determinant > 0), initial=np.inf)
    x[beyond] = y[beyond] = OUTSIDE_PX
    return (*cv2.convertMaps(x, y, cv2.CV_16SC2), cv2.convertMaps(x, y, cv2.CV_16SC2, nninterpolation=True)[0])
