"""Mesh files as objects: how they are read, and a user's own, cut into convex pieces once and kept in a cache.

The cutting is CoACD (Wei et al., "Approximate convex decomposition for 3D meshes with collision-aware concavity and
tree search", SIGGRAPH 2022).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import Shape, ShapeError, shape_of

SUFFIXES = (".obj", ".ply", ".stl")
WIDEST_M = 0.075
"""The gripper opens 80 mm; less would leave no room to come down beside the object."""
SMALLEST_M = 0.004
CONVEX = 0.98
"""Share of its hull's volume from which on a mesh counts as convex."""
CUTTING = {"threshold": 0.08, "max_convex_hull": 24, "mcts_iterations": 60, "mcts_nodes": 10, "resolution": 1000}
CUTTING |= {"preprocess_resolution": 30, "seed": 0}


@dataclass(frozen=True)
class Unusable:
    """A mesh that was left out, and why."""

    file: str
    why: str


def user_shapes(
    folder: Path, cache: Path | None = None, progress: Callable[[str], None] | None = None
) -> tuple[list[Shape], list[Unusable]]:
    """The shapes of all meshes in a folder, in metres, and the meshes that cannot be used.

    Args:
        folder: holds OBJ, PLY or STL files.
        cache: folder of the pieces found earlier; the user's own cache by default.
        progress: called with the name of each file before it is read.

    Raises:
        ConfigError: there is no such folder, or no mesh of it can be used.
    """
    shapes: list[Shape] = []
    unusable: list[Unusable] = []
    for path in _meshes(folder):
        if progress is not None:
            progress(path.name)
        try:
            shapes.append(read_mesh(path, cache or cache_folder()))
        except ShapeError as error:
            unusable.append(Unusable(path.name, str(error).partition(": ")[2] or str(error)))
    if not shapes:
        told = "; ".join(f"{mesh.file}: {mesh.why}" for mesh in unusable)
        raise ConfigError(f"none of the {len(unusable)} meshes in {folder} can be used: {told}")
    return shapes, unusable


def read_mesh(path: Path, cache: Path) -> Shape:
    """The shape of one mesh file.

    Args:
        path: of an OBJ, PLY or STL file, in metres.
        cache: folder of the pieces found earlier; those of this file are looked up by its content, and kept there.

    Raises:
        ShapeError: it cannot be read, is no solid, or does not fit the gripper.
    """
    content = _content(path)
    kept = cache / f"{hashlib.sha256(content + repr(sorted(CUTTING.items())).encode()).hexdigest()[:32]}.npz"
    pieces = _load(kept)
    if pieces is None:
        pieces = _cut(path)
        _save(kept, pieces)
    shape = shape_of(path.name, pieces)
    _check_size(shape)
    return shape


def cache_folder() -> Path:
    """Where pieces are kept: `autoglm_embodied/pieces` in XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autoglm_embodied" / "pieces"


def _meshes(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}; name one that holds {', '.join(SUFFIXES)} files")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ConfigError(f"{folder} holds no mesh; put {', '.join(SUFFIXES)} files there, in metres")
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ShapeError(f"{path.name}: it cannot be read ({error.strerror})") from error


def _cut(path: Path) -> list[FloatArray]:
    """Corners of convex pieces: the hull of a mesh that is convex, else what CoACD makes of it."""
    mesh = read_triangles(path)
    hull = shape_of(path.name, [np.asarray(mesh.vertices, dtype=float)])  # refuses NaN and flat ones
    _check_size(hull)
    mesh.merge_vertices()  # STL repeats them for each triangle
    if mesh.is_watertight and abs(mesh.volume) > CONVEX * hull.volume_m3:
        return [np.asarray(mesh.vertices, dtype=float)]
    try:
        import coacd
    except ImportError as error:
        raise SetupError("coacd is missing; install it with: pip install coacd==1.0.14") from error
    coacd.set_log_level("error")
    cut = coacd.run_coacd(coacd.Mesh(mesh.vertices, mesh.faces), **CUTTING)
    return [np.asarray(corners, dtype=float) for corners, _ in cut]


def _check_size(shape: Shape) -> None:
    length, _, width = shape.extent_m
    if width > WIDEST_M:
        raise ShapeError(
            f"{shape.name}: its smallest side is {width * 1000:.0f} mm, too wide for the gripper's "
            f"{WIDEST_M * 1000:.0f} mm; if it is not in metres, scale it"
        )
    if length < SMALLEST_M:
        raise ShapeError(
            f"{shape.name}: it is only {length * 1000:.2g} mm long, at least {SMALLEST_M * 1000:.0f} mm is needed"
        )


def _load(kept: Path) -> list[FloatArray] | None:
    if not kept.is_file():
        return None
    with np.load(kept, allow_pickle=False) as arrays:
        return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]


def _save(kept: Path, pieces: list[FloatArray]) -> None:
    """Keep pieces for the next time; another process that does the same at once does no harm."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_name(f"{kept.stem}.{os.getpid()}.npz")
    np.savez_compressed(partial, *pieces)
    partial.replace(kept)


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


def package_folder(package: str, missing: str) -> Path:
    """Where the data of an installed package lies; SetupError, saying what is `missing`, without it."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SetupError(missing)
    return Path(found.origin).parent
