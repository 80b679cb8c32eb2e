"""Boxes, cylinders and balls: as the hulls of corners, and as exact solids."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.objects.shape import Shape, Solid, shape_of

SIDES = 24


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
    half, unit = size_m / 2, size_m**2
    if name == "cube":
        corners, kind, volume_m3, spread = box(size_m, size_m, size_m), "box", size_m**3, [unit / 12] * 3
    elif name == "cylinder":
        corners, kind, volume_m3 = cylinder(size_m, size_m), "cylinder", np.pi / 4 * size_m**3
        spread = [unit / 16, unit / 16, unit / 12]
    elif name == "ball":
        corners, kind, volume_m3, spread = ball(size_m), "sphere", np.pi / 6 * size_m**3, [unit / 20] * 3
    else:
        raise ConfigError(f"a solid must be a cube, cylinder or ball, got {name!r}")
    return Shape(name, corners.pieces, float(volume_m3), np.diag(spread), Solid(kind, (half, half, half)))
