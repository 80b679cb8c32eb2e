"""Depth of another camera, or of another size, registered to the colour image by the calibrations of both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil
from pathlib import Path

import cv2
import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration, camera_mount, pose
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.ingest.image_encodings import depth_array_m
from autoglm_embodied.ingest.point_clouds import PointCloud, points_m
from autoglm_embodied.types import FloatArray

K_TOLERANCE_PX = 1.0  # between the intrinsics of two images that lie pixel on pixel
NO_GAP = 0.05  # of a pixel, by which those of the depth camera may be larger and are not drawn wider for it
MAX_DRAWN = 16  # pixels of colour to a side, as which a pixel of depth is drawn
TIE = 0.01  # of a pixel: where one of depth lies between two of colour rounding must not choose
EVERY_NTH = 32  # row or column is enough to measure how far apart the pixels of depth lie in the colour image


@dataclass(frozen=True)
class DepthCamera:
    """A depth camera whose image is not aligned with colour: where it is, and its calibration once that came."""

    frame: str = ""  # its optical frame, as the camera's file calls it
    T_camera_depth: FloatArray = field(default_factory=lambda: np.eye(4))  # (4, 4) in the colour camera's frame
    calibration: Calibration | None = None
    refusal: str = ""  # why there is none, though a camera_info came

    @classmethod
    def from_file(cls, path: Path) -> DepthCamera:
        """That of a camera's file.

        Raises:
            ConfigError: the file cannot be read or a value is not allowed.
        """
        mount = camera_mount(path)
        return cls(mount.depth_frame_id, pose(mount.depth_xyz_m, mount.depth_quaternion_xyzw))

    def calibrated(self, info: bytes, topic: str) -> DepthCamera:
        """The same camera, calibrated for the images of a topic by a CameraInfo in CDR.

        What is wrong with that is kept: most cameras align their depth, and need none.
        """
        try:
            return replace(self, calibration=Calibration.read(info).of_topic(topic), refusal="")
        except SensorError as error:
            return replace(self, calibration=None, refusal=f"depth cannot be registered to colour: its {error}")

    def aligned(self, depth: RawImage, rgb: RawImage, calibration: Calibration) -> bool:
        """Whether each pixel of depth lies on that of colour, as far as is known."""
        if (_size(depth), depth.frame) != (_size(rgb), rgb.frame):
            return False
        own = self._calibration_of(depth)
        return own is None or bool(np.abs(own.K - calibration.K).max() < K_TOLERANCE_PX)

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")  # what is unknown may be NaN or infinite
    def registered_m(self, depth: RawImage | PointCloud, rgb: RawImage, calibration: Calibration) -> FloatArray:
        """(height, width) depth along the colour camera's axis in its undistorted image; 0 where unknown.

        Args:
            depth: from this camera.
            rgb: the image of whose size and frame it becomes.
            calibration: of that image.

        Raises:
            SensorError: where this camera is, or its calibration, is not known; or it cannot be read.
        """
        T, K = self._pose_in(depth, rgb), calibration.K
        scaled: FloatArray  # homogeneous pixels of colour, without the offset between the cameras
        if isinstance(depth, PointCloud):
            scaled = (K @ T[:3, :3]).astype(np.float32) @ points_m(depth).reshape(3, -1)
        else:
            own = self._calibration_of(depth)
            if own is None and self.refusal:
                raise SensorError(self.refusal)
            if own is None:
                raise _unaligned(depth, rgb, "publish its camera_info, of that size and frame, on topics.depth_info")
            depth_m = own.undistorted_depth(depth_array_m(depth)).ravel()
            known_m = np.where(depth_m > 0, depth_m, np.float32(np.nan))
            scaled = _rays(own.width, own.height, own.K.tobytes(), (K @ T[:3, :3]).tobytes()) * known_m
        scaled += (K @ T[:3, 3]).astype(np.float32)[:, None]
        return _nearest_m(scaled.reshape(3, depth.height, depth.width), calibration.width, calibration.height)

    def _calibration_of(self, depth: RawImage) -> Calibration | None:
        own = self.calibration
        fits = own is not None and (own.width, own.height, own.frame) == (*_size(depth), depth.frame)
        return own if fits else None

    def _pose_in(self, depth: RawImage | PointCloud, rgb: RawImage) -> FloatArray:
        if depth.frame == rgb.frame:
            return np.eye(4)
        if depth.frame != self.frame:
            keys = "depth_frame_id, depth_xyz_m and depth_quaternion_xyzw"
            raise _unaligned(depth, rgb, f"give its pose in the colour camera's frame as {keys} in the camera's file")
        return self.T_camera_depth


def _unaligned(depth: RawImage | PointCloud, rgb: RawImage, cure: str) -> SensorError:
    return SensorError(
        f"depth must be aligned with colour, {_described(rgb)}, got {_described(depth)}; "
        f"let the camera driver align depth to colour, or {cure}"
    )


def _size(image: RawImage | PointCloud) -> tuple[int, int]:
    return image.width, image.height


def _described(image: RawImage | PointCloud) -> str:
    return f"{image.width}x{image.height} in frame {image.frame!r}"


@lru_cache(maxsize=4)
def _rays(width: int, height: int, K_bytes: bytes, to_colour_bytes: bytes) -> FloatArray:
    """(3, height * width) float32: what a metre of depth of each pixel adds to its homogeneous pixel of colour."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([columns.ravel(), rows.ravel(), np.ones(width * height)])
    to_colour = np.frombuffer(to_colour_bytes).reshape(3, 3)
    return np.asarray(to_colour @ np.linalg.inv(np.frombuffer(K_bytes).reshape(3, 3)) @ pixels, np.float32)


def _nearest_m(projected: FloatArray, width: int, height: int) -> FloatArray:
    """(height, width) depth of the nearest point that covers each pixel; 0 where none does.

    Args:
        projected: (3, rows, columns) homogeneous pixels of the points, in the order of their own camera's image, of
            which each covers as much as reaches to its neighbours.
        width, height: of the image.
    """
    z_m = np.where(projected[2] > 0, projected[2], np.float32(np.inf))  # infinitely far covers nothing
    u, v = projected[0] / z_m, projected[1] / z_m
    spreads = _spread(u[::EVERY_NTH], axis=1), _spread(v[:, ::EVERY_NTH], axis=0)
    drawn_u, drawn_v = (min(max(ceil(spread - NO_GAP), 1), MAX_DRAWN) for spread in spreads)
    # The first row and column that a point covers, in an image with a margin for what lies beyond, which is cut off.
    for pixels, drawn, size in ((u, drawn_u, width), (v, drawn_v, height)):
        pixels += np.float32(drawn / 2 - TIE)
        np.ceil(pixels, out=pixels)
        np.fmin(np.fmax(pixels, 0, out=pixels), size + drawn, out=pixels)  # NaN goes to the margin
    stride = width + 2 * drawn_u
    first = v.astype(np.intp)
    first *= stride
    first += u.astype(np.intp)
    nearest = np.full((height + drawn_v + 1) * stride, np.inf, np.float32)
    np.minimum.at(nearest, first.ravel(), z_m.ravel())
    covered = np.ones((drawn_v, drawn_u), np.uint8)
    drawn_m = cv2.erode(nearest.reshape(-1, stride), covered, anchor=(drawn_u - 1, drawn_v - 1))
    drawn_m[np.isinf(drawn_m)] = 0
    return np.asarray(drawn_m[drawn_v:, drawn_u:][:height, :width], np.float32)


def _spread(pixels: FloatArray, axis: int) -> float:
    """How far apart neighbours lie, by their median; 1 where there are none."""
    apart = np.abs(np.diff(pixels, axis=axis))
    known = apart[np.isfinite(apart)]
    return float(np.median(known)) if known.size else 1.0
