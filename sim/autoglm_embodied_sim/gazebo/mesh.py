"""Meshes of the compiled model as binary STL files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_meshes(model: Any, folder: Path) -> None:
    """Write every mesh that an MjModel draws to `folder`, named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = model.geom_dataid[model.geom_type == mujoco.mjtGeom.mjGEOM_MESH]
    for mesh in sorted(set(drawn.tolist())):
        (folder / file_name(model, mesh)).write_bytes(_stl(model, mesh))


def file_name(model: Any, mesh: int) -> str:
    """Of the file of this mesh."""
    return f"{model.mesh(mesh).name}.stl"


def mesh_vertices(model: Any, mesh: int) -> FloatArray:
    """(n, 3) of a mesh [m], in the frame of its geoms."""
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    return np.asarray(model.mesh_vert[first : first + count])


def _stl(model: Any, mesh: int) -> bytes:
    first, count = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    corners = mesh_vertices(model, mesh)[model.mesh_face[first : first + count]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    records = np.zeros(count, RECORD)
    records["corners"] = corners
    records["normal"] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    return bytes(80) + np.uint32(count).tobytes() + records.tobytes()
