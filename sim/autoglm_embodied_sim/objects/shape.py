"""Shapes of objects: convex pieces about a centre of mass; boxes, cylinders and balls among them, and exact solids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray

THIN_M3 = 1e-12
"""A piece of less than 0.001 mm3 is no piece."""
MOST_PIECES = 128
SECOND_MOMENTS = (np.ones((4, 4)) + np.eye(4)) / 20
"""Of a tetrahedron of volume 1, over its corners (Tonon, Journal of Mathematics and Statistics 1, 2005)."""
SIDES = 24


class ShapeError(ConfigError):
    """A mesh that cannot be an object."""


@dataclass(frozen=True)
class Solid:
    """An exact body about the origin, in place of the hull of its corners."""

    kind: str  # box, cylinder or sphere
    half_m: tuple[float, float, float]  # half its size along x, y and z

    def scaled(self, factor: float) -> Solid:
        """The same body, `factor` times as large."""
        x_m, y_m, z_m = self.half_m
        return Solid(self.kind, (factor * x_m, factor * y_m, factor * z_m))


@dataclass(frozen=True)
class Shape:
    """Convex pieces of uniform density, their common centre of mass in the origin; where they overlap, they add up."""

    name: str
    pieces: tuple[FloatArray, ...]  # each (V, 3) corners [m]
    volume_m3: float
    spread_m2: FloatArray = field(repr=False)  # (3, 3) second moments of the position about the centre
    solid: Solid | None = None  # what touches and is drawn; without it, the hulls of the pieces

    def scaled(self, factor: float) -> Shape:
        """The same shape, `factor` times as large."""
        pieces = tuple(factor * piece for piece in self.pieces)
        solid = None if self.solid is None else self.solid.scaled(factor)
        return Shape(self.name, pieces, factor**3 * self.volume_m3, factor**2 * self.spread_m2, solid)

    def inertia(self, mass_kg: float) -> FloatArray:
        """(3, 3) moments of inertia [kg m2] about the centre of mass."""
        return np.asarray(mass_kg * (np.trace(self.spread_m2) * np.eye(3) - self.spread_m2))

    @property
    def extent_m(self) -> FloatArray:
        """(3,) size along the principal axes, largest first."""
        axes = np.linalg.svd(self.spread_m2)[0]
        return np.sort(np.ptp(np.concatenate(self.pieces) @ axes, axis=0))[::-1]


def shape_of(name: str, pieces: list[FloatArray]) -> Shape:
    """A shape out of convex pieces, each (V, 3) points [m] whose hull counts; flat pieces are left out.

    Raises:
        ShapeError: a coordinate is no number, or no piece has a volume.
    """
    if not all(np.isfinite(piece).all() for piece in pieces):
        raise ShapeError(f"{name}: a corner is no number (NaN or infinity)")
    solids = [solid for solid in map(_solid, pieces) if solid is not None]
    if not solids:
        raise ShapeError(f"{name}: its volume is zero")
    if len(solids) > MOST_PIECES:
        raise ShapeError(f"{name}: it has {len(solids)} convex pieces, at most {MOST_PIECES} can be simulated")
    volumes = np.array([volume for _, volume, _, _ in solids])
    centre = volumes @ np.array([centre for _, _, centre, _ in solids]) / volumes.sum()
    moments = sum(moment for _, _, _, moment in solids) / volumes.sum() - np.outer(centre, centre)
    return Shape(name, tuple(corners - centre for corners, _, _, _ in solids), float(volumes.sum()), moments)


def _solid(points: FloatArray) -> tuple[FloatArray, float, FloatArray, FloatArray] | None:
    """Corners (V, 3), volume, centre (3,) and second moments times volume (3, 3) of a hull; None if it is flat."""
    if len(points) < 4:
        return None
    middle = points.mean(axis=0)
    try:
        hull = ConvexHull(points - middle)
    except QhullError:
        return None
    if hull.volume < THIN_M3:
        return None
    tetrahedra = np.zeros((len(hull.simplices), 4, 3))
    tetrahedra[:, 1:] = hull.points[hull.simplices]
    tetrahedra += middle
    volumes = np.abs(np.linalg.det(tetrahedra[:, 1:] - tetrahedra[:, :1])) / 6
    centre = (volumes @ tetrahedra.mean(axis=1)) / volumes.sum()
    moments = np.einsum("t,tai,ab,tbj->ij", volumes, tetrahedra, SECOND_MOMENTS, tetrahedra)
    return points[hull.vertices], float(hull.volume), centre, moments


def box(x_m: float, y_m: float, z_m: float) -> Shape:
    """A box of these edges."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return shape_of("box", [signs * np.array([x_m, y_m, z_m]) / 2])


def cylinder(diameter_m: float, height_m: float) -> Shape:
    """An upright prism of SIDES sides."""
    turn = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)
    ring = diameter_m / 2 * np.stack([np.cos(turn), np.sin(turn), np.zeros(SIDES)], axis=1)
    lift = np.array([0, 0, height_m / 2])
    return shape_of("cylinder", [np.concatenate([ring - lift, ring + lift])])


def ball(diameter_m: float) -> Shape:
    """A polyhedron of SIDES meridians."""
    turn = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)
    tilt = np.linspace(-np.pi / 2, np.pi / 2, SIDES // 2 + 1)[:, None]
    points = np.stack(
        [np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.broadcast_to(np.sin(tilt), (len(tilt), SIDES))],
        axis=-1,
    )
    return shape_of("ball", [diameter_m / 2 * points.reshape(-1, 3)])


def solid(name: str, size_m: float) -> Shape:
    """An exact cube, cylinder or ball as high as it is wide; ConfigError for another name."""
    if name not in SOLIDS:
        raise ConfigError(f"a solid must be a cube, cylinder or ball, got {name!r}")
    kind, hull, share, divisors = SOLIDS[name]
    half, spread = size_m / 2, np.diag(size_m**2 / np.array(divisors))
    return Shape(name, hull(size_m).pieces, float(share * size_m**3), spread, Solid(kind, (half, half, half)))


SOLIDS: dict[str, tuple[str, Callable[[float], Shape], float, tuple[int, int, int]]] = {
    "cube": ("box", lambda size_m: box(size_m, size_m, size_m), 1.0, (12, 12, 12)),
    "cylinder": ("cylinder", lambda size_m: cylinder(size_m, size_m), np.pi / 4, (16, 16, 12)),
    "ball": ("sphere", ball, np.pi / 6, (20, 20, 20)),
}
"""Kind, hull, volume over size cubed, and the square of the size over each second moment."""
