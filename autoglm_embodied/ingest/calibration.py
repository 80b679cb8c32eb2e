"""Where a camera is and how it draws: its pose from its file, its intrinsics and lens distortion from camera_info."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.config import build, read_yaml
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.ingest.cdr import read_camera_info
from autoglm_embodied.types import FloatArray

NORM_TOLERANCE = 0.01  # of a quaternion written with few digits


@dataclass(frozen=True)
class CameraMount:
    """Pose of a camera's optical frame (REP 103: z forward, x right, y down) in the base frame."""

    xyz_m: tuple[float, ...]
    quaternion_xyzw: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, size in (("xyz_m", 3), ("quaternion_xyzw", 4)):
            if len(getattr(self, name)) != size:
                raise ConfigError(f"{name} must hold {size} numbers, got {len(getattr(self, name))}")
        norm = np.linalg.norm(self.quaternion_xyzw)
        if abs(norm - 1) > NORM_TOLERANCE:
            raise ConfigError(f"quaternion_xyzw must have length 1, x y z w, got length {norm:.4g}; divide it by that")


def camera_pose(path: Path) -> FloatArray:
    """T_base_camera (4, 4) of the optical frame, from `xyz_m` and `quaternion_xyzw` in a YAML file.

    Raises:
        ConfigError: the file cannot be read or lacks them.
    """
    own = [field.name for field in fields(CameraMount)]  # the simulator's camera has further settings
    mount = build(CameraMount, {key: value for key, value in read_yaml(path).items() if key in own}, str(path))
    pose = np.eye(4)
    pose[:3, 3] = mount.xyz_m
    pose[:3, :3] = Rotation.from_quat(mount.quaternion_xyzw).as_matrix()
    return pose


@dataclass(frozen=True)
class Calibration:
    """Intrinsics from camera_info: K (3, 3) in pixels of an image of `width` x `height`."""

    width: int
    height: int
    K: FloatArray

    def __post_init__(self) -> None:
        if not np.isfinite(self.K).all() or self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise SensorError("camera_info must hold positive focal lengths; calibrate the camera")

    @classmethod
    def read(cls, data: bytes) -> Calibration:
        """That of a CameraInfo message.

        Raises:
            SensorError: the message is malformed, or its focal lengths are none.
        """
        return cls(*read_camera_info(data))
