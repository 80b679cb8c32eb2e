"""A camera frame as the encoder wants it: small, with every pixel's place in the base frame."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import Camera, FloatArray, Frame

CHANNELS = 7  # red, green, blue in [-1, 1]; x, y, z of the base frame [m]; 1 where depth is known


def pixel_rays(camera: Camera, height: int, width: int) -> FloatArray:
    """Ray of unit depth through each pixel of a scaled version of the image.

    Args:
        camera: whose image it is.
        height: h of the version [px].
        width: w [px].

    Returns:
        (3, h, w) in the base frame [m].
    """
    scale = (width / camera.width, height / camera.height)
    return _rays(_key(camera.K), _key(camera.T_base_camera[:3, :3]), scale, height, width)


@lru_cache(maxsize=4)
def _rays(K_bytes: bytes, R_bytes: bytes, scale: tuple[float, float], height: int, width: int) -> FloatArray:
    """A camera seldom moves: its rays are worked out once. The matrices come as bytes so that they can be a key."""
    K, R_base_camera = np.frombuffer(K_bytes).reshape(3, 3), np.frombuffer(R_bytes).reshape(3, 3)
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x = (u / scale[0] - 0.5 - K[0, 2]) / K[0, 0]
    y = (v / scale[1] - 0.5 - K[1, 2]) / K[1, 1]
    rays_camera = np.stack([x, y, np.ones_like(x)], axis=-1)
    return np.ascontiguousarray((rays_camera @ R_base_camera.T).transpose(2, 0, 1), dtype=np.float32)


def _key(matrix: FloatArray) -> bytes:
    return np.ascontiguousarray(matrix, np.float64).tobytes()


def shrink(frame: Frame, height: int, width: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """A smaller image: colour averaged, depth by the nearest pixel, so no edge is smeared.

    Averaging over whole blocks and a linear step for the rest takes a tenth of the time of averaging over fractions.

    Args:
        frame: an RGB-D image.
        height: h to make [px].
        width: w to make [px].

    Returns:
        Colour (h, w, 3) uint8 and depth (h, w) [m].
    """
    whole = max(1, min(frame.camera.height // height, frame.camera.width // width))
    blocks = (frame.camera.width // whole, frame.camera.height // whole)
    rgb = cv2.resize(frame.rgb, blocks, interpolation=cv2.INTER_AREA)
    rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    rows = (np.arange(height) + 0.5) * frame.camera.height / height
    columns = (np.arange(width) + 0.5) * frame.camera.width / width
    return np.asarray(rgb, np.uint8), frame.depth_m[rows.astype(int)].take(columns.astype(int), axis=1)


def encoder_input(rgb: NDArray[np.uint8], depth_m: FloatArray, camera: Camera) -> FloatArray:
    """What the frame encoder reads of a shrunk frame; unknown depth has place 0 and known-channel 0.

    Args:
        rgb: (h, w, 3).
        depth_m: (h, w) along the optical axis; NaN or 0 where unknown.
        camera: of the frame before it was shrunk.

    Returns:
        (7, h, w) float32, see CHANNELS.
    """
    height, width = depth_m.shape
    known = np.isfinite(depth_m) & (depth_m > 0)
    depth_m = np.where(known, depth_m, 0).astype(np.float32, copy=False)
    out = np.empty((CHANNELS, height, width), np.float32)
    colour, place = out[:3], out[3:6]
    np.multiply(rgb.transpose(2, 0, 1), np.float32(1 / 127.5), out=colour)
    colour -= 1
    np.multiply(pixel_rays(camera, height, width), depth_m, out=place)
    place += camera.T_base_camera[:3, 3, None, None].astype(np.float32)
    place *= known
    out[6] = known
    return out
