"""Mesh files as objects: how they are read, and a user's own, cut into convex pieces once and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import AutoGLMError, ConfigError, SetupError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.convex_pieces import CONVEX, METHOD, convex_pieces, separated
from autoglm_embodied_sim.objects.shape import Shape, ShapeError, shape_of

SUFFIXES = (".obj", ".ply", ".stl")
WIDEST_M = 0.075
"""The gripper opens 80 mm; less would leave no room to come down beside the object."""
SMALLEST_M = 0.004
STL_HEADER_BYTES, STL_TRIANGLE_BYTES = 84, 50
MOST_TRIANGLES = 6000
"""CoACD takes minutes for hundreds of thousands; a mesh of more is first made coarser."""
COARSENESS = (256, 128, 64, 48, 32, 24)
"""Cells of a grid along the longest side, in each of which the corners of a mesh are merged."""
MOST_PATCHED = 0.4
"""Share of the surface that holes may have been; a hemisphere without its disc has 1/3."""
KEPT_SHARE = (0.5, 2.0)
"""Volume of the pieces over that of the mesh: hulls fill what is hollow, but a shell of its wall is no likeness."""
KEY = repr((METHOD, MOST_TRIANGLES, COARSENESS, MOST_PATCHED, KEPT_SHARE)).encode()


@dataclass(frozen=True)
class Unusable:
    """A mesh that was left out, and why."""

    file: str
    why: str


def user_shapes(
    folder: Path,
    cache: Path | None = None,
    progress: Callable[[str], None] | None = None,
    over: Callable[[Sequence[Path]], Iterator[Shape | Unusable]] | None = None,
) -> tuple[list[Shape], list[Unusable]]:
    """The shapes of all meshes in a folder, in metres, and the meshes that cannot be used.

    Args:
        folder: holds OBJ, PLY or STL files.
        cache: folder of the pieces found earlier; the user's own cache by default.
        progress: called with the name of each file before it is read.
        over: how `shape_or_reason` is called for all files, in their order; in this process by default.

    Raises:
        ConfigError: there is no such folder, or no mesh of it can be used.
    """
    paths = _meshes(folder)
    outcomes = over(paths) if over is not None else (shape_or_reason(path, cache) for path in paths)
    shapes: list[Shape] = []
    unusable: list[Unusable] = []
    for path in paths:
        if progress is not None:
            progress(path.name)
        outcome = next(outcomes)
        if isinstance(outcome, Unusable):
            unusable.append(outcome)
        else:
            shapes.append(outcome)
    if not shapes:
        told = "; ".join(f"{mesh.file}: {mesh.why}" for mesh in unusable)
        raise ConfigError(f"none of the {len(unusable)} meshes in {folder} can be used: {told}")
    return shapes, unusable


def shape_or_reason(path: Path, cache: Path | None = None) -> Shape | Unusable:
    """The shape of one mesh file, as `read_mesh`, or why it cannot be used."""
    try:
        return read_mesh(path, cache or cache_folder())
    except ShapeError as error:
        return Unusable(path.name, str(error).partition(": ")[2] or str(error))


def read_mesh(path: Path, cache: Path) -> Shape:
    """The shape of one mesh file.

    Args:
        path: of an OBJ, PLY or STL file, in metres.
        cache: folder of the pieces found earlier; those of this file are looked up by its content, and kept there.

    Raises:
        ShapeError: it cannot be read, is no solid, or does not fit the gripper.
    """
    content = _content(path)
    kept = cache / f"{hashlib.sha256(content + KEY).hexdigest()[:32]}.npz"
    pieces = _load(kept)
    if pieces is None:
        try:
            pieces = _cut(path)
        except AutoGLMError:
            raise
        except Exception as error:  # whatever trimesh and CoACD meet in a mesh that nobody here has seen
            raise ShapeError(f"{path.name}: it cannot be cut into convex pieces ({error})") from error
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
    mesh = coarsened(read_triangles(path))
    corners = np.asarray(mesh.vertices, dtype=float)
    hull = shape_of(path.name, [corners])  # refuses flat ones
    _check_size(hull)
    solids = separated(path.name, closed(path.name, mesh))
    if len(solids) == 1 and mesh.volume > CONVEX * hull.volume_m3:
        return [corners]
    pieces = convex_pieces(path.name, solids)
    share = shape_of(path.name, pieces).volume_m3 / sum(solid.volume for solid in solids)
    if not KEPT_SHARE[0] < share < KEPT_SHARE[1]:
        raise ShapeError(
            f"{path.name}: its convex pieces have {share:.0%} of its volume; make it a simple closed surface"
        )
    return pieces


def coarsened(mesh: Any) -> Any:
    """A mesh (trimesh.Trimesh) of at most about MOST_TRIANGLES, its corners merged in the cells of a grid.

    Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.
    """
    import trimesh

    mesh.merge_vertices()  # STL repeats them for each triangle
    fine = mesh
    for cells in COARSENESS:
        if len(mesh.faces) <= MOST_TRIANGLES:
            break
        place = ((fine.vertices - fine.bounds[0]) * (cells / np.ptp(fine.bounds, axis=0).max())).astype(int)
        _, cell, count = np.unique(place @ [1, 1000, 1_000_000], return_inverse=True, return_counts=True)
        corners = np.stack([np.bincount(cell, axis) for axis in fine.vertices.T], axis=1) / count[:, None]
        _, first, times = np.unique(np.sort(cell[fine.faces]), axis=0, return_index=True, return_counts=True)
        kept = cell[fine.faces[first[times % 2 == 1]]]  # two that fell together were both sides of nothing
        mesh = trimesh.Trimesh(corners, kept[_triangles(kept)], process=False)
    return mesh


def _triangles(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether the corners of a face (n, 3) are three."""
    return np.asarray((faces != np.roll(faces, 1, axis=1)).all(axis=1))


def closed(name: str, mesh: Any) -> Any:
    """The mesh (trimesh.Trimesh) with its holes filled and its outside outside.

    Raises:
        ShapeError: it is still open, or what was filled is too much of it to say what it is.
    """
    from trimesh import repair as untyped

    repair: Any = untyped
    mesh.update_faces(_triangles(mesh.faces) & mesh.unique_faces())
    triangles, open_edges = len(mesh.faces), _open_edges(mesh)
    if open_edges:
        repair.fix_winding(mesh)
        repair.fill_holes(mesh, use_fan=True)
    repair.fix_normals(mesh)
    patched = float(mesh.area_faces[triangles:].sum() / mesh.area)
    if _open_edges(mesh) or patched > MOST_PATCHED or mesh.volume <= 0:
        raise ShapeError(
            f"{name}: it is no closed surface ({open_edges} edges border one triangle alone) and its holes cannot be "
            "filled; close it in the program that made it"
        )
    return mesh


def _open_edges(mesh: Any) -> int:
    """How many edges border an odd number of triangles."""
    _, counts = np.unique(mesh.edges_sorted, axis=0, return_counts=True)
    return int((counts % 2).sum())


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
    content, suffix = _content(path), path.suffix.lower()
    if suffix == ".obj" and re.search(rb"^f\b.*\s0[/\s]", content, re.MULTILINE):
        raise ShapeError(f"{path.name}: a face names corner 0, but an OBJ file counts its corners from 1")
    try:  # processing would drop corners that are no numbers
        mesh = trimesh.load_mesh(BytesIO(_readable(content, suffix)), file_type=suffix[1:], process=False)
    except Exception as error:  # the readers of three formats raise whatever their parsers meet
        raise ShapeError(f"{path.name}: it cannot be read as a mesh ({error})") from error
    if isinstance(mesh, trimesh.Scene):
        mesh = mesh.to_mesh()
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise ShapeError(f"{path.name}: it holds no triangles")
    first, last = int(mesh.faces.min()), int(mesh.faces.max())
    if first < 0 or last >= len(mesh.vertices):
        named = first if first < 0 else last
        raise ShapeError(f"{path.name}: a face names corner {named}, but there are only 0 to {len(mesh.vertices) - 1}")
    mesh.remove_unreferenced_vertices()
    if not np.isfinite(mesh.vertices).all():
        raise ShapeError(f"{path.name}: a corner is no number (NaN or infinity)")
    return mesh


def _readable(content: bytes, suffix: str) -> bytes:
    """A file's content as trimesh reads it: nothing behind a binary STL, and text in UTF-8, if need be from Latin-1."""
    if suffix == ".stl":
        end = STL_HEADER_BYTES + STL_TRIANGLE_BYTES * int.from_bytes(content[80:STL_HEADER_BYTES], "little")
        if STL_HEADER_BYTES <= end <= len(content):  # in an ASCII file these four letters would be half a billion
            return content[:end]
    text, mark, binary = content.partition(b"end_header") if suffix == ".ply" else (content, b"", b"")
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1").encode() + mark + binary
    return content


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
