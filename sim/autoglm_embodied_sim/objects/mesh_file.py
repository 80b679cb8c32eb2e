"""Mesh files: triangles of OBJ, PLY and STL files as trimesh reads them, and the convex pieces of OBJ files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.errors import SetupError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import ShapeError


def read_triangles(path: Path) -> Any:
    """The triangles of a file (trimesh.Trimesh), unscaled, with corners repeated as the file has them.

    Raises:
        ShapeError: the file cannot be read, or holds no triangles.
        SetupError: trimesh is missing.
    """
    try:
        import trimesh  # takes a third of a second, which most objects do not need
    except ImportError as error:
        raise SetupError("trimesh is missing; install it with: pip install trimesh==5.2.0") from error
    try:
        mesh = trimesh.load_mesh(path, process=False)  # processing would drop corners that are no numbers
    except Exception as error:  # the readers of three formats raise whatever their parsers meet
        raise ShapeError(f"{path.name}: it cannot be read as a mesh ({error})") from error
    if isinstance(mesh, trimesh.Scene):
        mesh = mesh.to_mesh()
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise ShapeError(f"{path.name}: it holds no triangles")
    return mesh


def read_corners(path: Path) -> FloatArray:
    """(V, 3) distinct corners of the triangles of a file, unscaled; raises as `read_triangles`."""
    return np.unique(np.asarray(read_triangles(path).vertices, dtype=float), axis=0)


def read_pieces(path: Path) -> list[FloatArray]:
    """One array (V, 3) of corners for each `o` of an OBJ file, unscaled.

    Not by trimesh, whose pieces of such a file each have the corners of the whole file, and some of them repeatedly.

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
