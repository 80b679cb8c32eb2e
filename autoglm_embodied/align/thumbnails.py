"""Frames as a few of their pixels: what an aligner takes in place of visual tokens where there is no model."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.types import FloatArray, Frame

ROWS, COLUMNS = 12, 16


def thumbnail(frame: Frame) -> FloatArray:
    """(ROWS * COLUMNS, 4) float32: red, green, blue of 0 to 1 and depth [m], 0 where unknown, on an even grid."""
    rows = (np.arange(ROWS) + 0.5) * frame.camera.height / ROWS
    columns = (np.arange(COLUMNS) + 0.5) * frame.camera.width / COLUMNS
    grid = np.ix_(rows.astype(int), columns.astype(int))
    depth_m = np.nan_to_num(frame.depth_m[grid], nan=0.0, posinf=0.0, neginf=0.0)
    pixels = np.dstack([frame.rgb[grid] / np.float32(255), depth_m])
    return pixels.reshape(ROWS * COLUMNS, 4).astype(np.float32)


class Thumbnails:
    """Pushes into an aligner what a pipeline would, but for the pictures."""

    def __init__(self, aligner: Aligner) -> None:
        self.push_wrench = aligner.push_wrench
        self.push_joints = aligner.push_joints
        self._aligner = aligner

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """The frame's thumbnail, at the frame's time."""
        self._aligner.push_tokens(frame.stamp_ns, receive_ns, thumbnail(frame))
