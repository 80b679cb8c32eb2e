"""Reads the corners of a binary STL file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import ShapeError

HEAD_BYTES = 84  # 80 of text, 4 for the number of triangles
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_corners(path: Path) -> FloatArray:
    """(V, 3) distinct corners, unscaled.

    Raises:
        ShapeError: the file cannot be read.
    """
    try:
        triangles = np.frombuffer(path.read_bytes()[HEAD_BYTES:], TRIANGLE)
    except (OSError, ValueError) as error:
        raise ShapeError(f"{path.name}: it cannot be read as a binary STL file ({error})") from error
    return np.unique(triangles["corners"].reshape(-1, 3).astype(float), axis=0)
