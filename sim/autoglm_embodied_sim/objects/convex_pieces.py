"""Closed meshes cut into convex pieces, by CoACD in a process of its own whose time is bounded.

Wei et al., "Approximate convex decomposition for 3D meshes with collision-aware concavity and tree search", SIGGRAPH
2022.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from io import BytesIO
from signal import SIGXCPU
from typing import Any

import numpy as np

from autoglm_embodied.errors import SetupError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import ShapeError, shape_of

CONVEX = 0.98
"""Share of its hull's volume from which on a mesh counts as convex."""
CUTTING = {"max_convex_hull": 24, "mcts_iterations": 60, "mcts_nodes": 10, "resolution": 1000}
CUTTING |= {"preprocess_resolution": 30, "seed": 0}
THRESHOLDS = (0.08, 0.05)
"""Of concavity; the finer one where pieces fill up what is hollow, as that of a cup."""
FILLED = 1.2
"""Volume of the pieces over that of the mesh, above which they do."""
MOST_CPU_S = 120
METHOD = (THRESHOLDS, FILLED, sorted(CUTTING.items()))
PROGRAM = """
import io, resource, sys
import coacd, numpy
resource.setrlimit(resource.RLIMIT_CPU, ({most}, {most} + 5))
mesh = numpy.load(io.BytesIO(sys.stdin.buffer.read()))
coacd.set_log_level("error")
pieces = coacd.run_coacd(coacd.Mesh(mesh["vertices"], mesh["faces"]), threshold={threshold}, **{options})
numpy.savez(sys.stdout.buffer, *(corners for corners, _ in pieces))
"""
SAMPLES, SAMPLES_AT_ONCE = 1500, 100
MOST_DOUBLED = 0.01
"""Share of what is inside that may be inside twice: the error of so many samples."""


def convex_pieces(name: str, solids: Sequence[Any]) -> list[FloatArray]:
    """Corners (V, 3) of convex pieces of closed meshes (trimesh.Trimesh).

    Args:
        name: of their file, for errors.
        solids: the meshes.

    Raises:
        ShapeError: CoACD fails, or takes too long.
        SetupError: it is missing.
    """
    if find_spec("coacd") is None:
        raise SetupError("coacd is missing; install it with: pip install coacd==1.0.14")
    return [piece for solid in solids for piece in _pieces(name, solid)]


def _pieces(name: str, solid: Any) -> list[FloatArray]:
    """Those of one mesh, cut more finely if need be."""
    pieces: list[FloatArray] = []
    for threshold in THRESHOLDS:
        pieces = _cut(name, solid, threshold)
        if shape_of(name, pieces).volume_m3 < FILLED * solid.volume:
            break
    return pieces


def _cut(name: str, solid: Any, threshold: float) -> list[FloatArray]:
    if solid.volume > CONVEX * solid.convex_hull.volume:
        return [np.asarray(solid.vertices, dtype=float)]
    mesh = BytesIO()
    np.savez(mesh, vertices=solid.vertices, faces=solid.faces)
    program = [sys.executable, "-c", PROGRAM.format(most=MOST_CPU_S, threshold=threshold, options=CUTTING)]
    cutting = subprocess.run(program, input=mesh.getvalue(), capture_output=True)
    if cutting.returncode == -SIGXCPU:
        raise ShapeError(f"{name}: cutting it into convex pieces takes more than {MOST_CPU_S} s; make it simpler")
    if cutting.returncode:
        said = cutting.stderr.decode(errors="replace").strip().splitlines()
        raise ShapeError(f"{name}: it cannot be cut into convex pieces ({said[-1] if said else cutting.returncode})")
    with np.load(BytesIO(cutting.stdout)) as pieces:
        return [np.asarray(pieces[f"arr_{k}"], dtype=float) for k in range(len(pieces.files))]


def separated(name: str, mesh: Any) -> list[Any]:
    """A closed mesh (trimesh.Trimesh), or its parts where these reach into each other, whose volume would count twice.

    Raises:
        ShapeError: a part cuts through itself.
    """
    if not doubled(mesh):
        return [mesh]
    parts = list(mesh.split(only_watertight=False))
    share = max(doubled(part) for part in parts)
    if share:
        raise ShapeError(
            f"{name}: its surface cuts through itself, {share:.0%} of its inside is inside twice or outside in; "
            "let the program that made it unite it to one surface"
        )
    return parts


def doubled(mesh: Any) -> float:
    """The share of a mesh's inside that its surface goes around more than once, or the wrong way; 0 if that is little.

    By the winding number, the solid angle of all triangles, at points of a grid of its bounds: van Oosterom and
    Strackee, "The solid angle of a plane triangle", 1983.
    """
    low, extent = mesh.bounds[0], np.ptp(mesh.bounds, axis=0)
    points = low + extent * _evenly_spread(SAMPLES)
    turns = np.concatenate(
        [_winding(mesh.triangles, points[k : k + SAMPLES_AT_ONCE]) for k in range(0, SAMPLES, SAMPLES_AT_ONCE)]
    )
    inside = np.abs(turns) > 0.5
    share = float(((turns > 1.5) | (turns < -0.5)).sum() / max(inside.sum(), 1))
    return share if share > MOST_DOUBLED else 0.0


def _evenly_spread(count: int) -> FloatArray:
    """(n, 3) points in the unit cube, by the recurrence of the root of x^4 = x + 1."""
    steps = 1.2207440846057596 ** -np.arange(1, 4)
    return np.asarray((0.5 + np.arange(count)[:, None] * steps) % 1.0)


def _winding(triangles: FloatArray, points: FloatArray) -> FloatArray:
    """(n,) how often triangles (F, 3, 3) go around points (n, 3)."""
    a, b, c = np.moveaxis(triangles[None] - points[:, None, None], 2, 0)  # each (n, F, 3)
    la, lb, lc = (np.linalg.norm(each, axis=-1) for each in (a, b, c))
    volume = np.einsum("nfi,nfi->nf", a, np.cross(b, c))
    dots = [np.einsum("nfi,nfi->nf", *pair) for pair in ((a, b), (b, c), (c, a))]
    below = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
    return np.asarray(np.arctan2(volume, below).sum(axis=1) / (2 * np.pi))
