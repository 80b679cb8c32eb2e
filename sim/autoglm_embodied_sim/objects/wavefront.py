"""Reads the objects of a Wavefront OBJ file as sets of points."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import ShapeError


def read_pieces(path: Path) -> list[FloatArray]:
    """One array (V, 3) of corners for each `o` of the file, unscaled.

    Raises:
        ShapeError: the file cannot be read.
    """
    pieces: list[list[list[float]]] = [[]]
    try:
        for line in path.read_text().splitlines():
            if line.startswith("o "):
                pieces.append([])
            elif line.startswith("v "):
                pieces[-1].append([float(word) for word in line.split()[1:4]])
    except (OSError, ValueError) as error:
        raise ShapeError(f"{path.name}: it cannot be read as an OBJ file ({error})") from error
    return [np.array(piece) for piece in pieces if piece]
