"""Objects that people have a name for: groceries of robosuite's wheel, household things of PyBullet's.

Only the data of the wheels is read (robosuite 0.3.0: MIT, pybullet 3.2.7: zlib); neither package is ever imported.
A grocery is the hull of its mesh, which is also what robosuite lets collide; the others come in convex pieces.
Every one is scaled so that it is LONGEST_M long at most and, across, WIDEST_M wide at most.

These objects are known: a name can only be learned from things that bear it, so learning may see all of them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from autoglm_embodied_sim.objects.mesh_file import package_folder, read_corners, read_pieces
from autoglm_embodied_sim.objects.shape import Shape, shape_of

LONGEST_M, WIDEST_M = 0.095, 0.055
"""The gripper opens 80 mm; neighbours lie 110 mm apart."""
HULLS = {
    "bottle": (1.0, 1.0, 1.0),
    "bread": (1.0, 1.0, 1.0),
    "can": (1.0, 1.0, 1.0),
    "cereal": (0.4, 1.0, 0.4),
    "lemon": (1.5, 1.0, 1.0),
    "milk": (1.0, 1.0, 1.0),
}
"""Meshes of robosuite, and the stretch along x, y and z that its models give them."""
PIECES = {"duck": "duck_vhacd.obj", "mug": "objects/mug_col.obj", "teddy": "teddy2_VHACD_CHs.obj"}
"""Files of `pybullet_data`."""
NAMES = (*HULLS, *PIECES)
PREFIX = "groceries/"


def groceries() -> list[Shape]:
    """All of them in the order of NAMES, each as large as fits the gripper."""
    return [grocery(name) for name in NAMES]


@lru_cache(maxsize=len(NAMES))
def grocery(name: str) -> Shape:
    """One of NAMES, as large as fits the gripper; its shape is called PREFIX and the name.

    Raises:
        SetupError: the wheel that carries it is missing.
    """
    if name in HULLS:
        meshes = _folder("robosuite", "robosuite==0.3.0") / "models" / "assets" / "objects" / "meshes"
        pieces = [read_corners(meshes / f"{name}.stl") * np.array(HULLS[name])]
    else:
        pieces = read_pieces(_folder("pybullet_data", "pybullet==3.2.7") / PIECES[name])
    shape = shape_of(PREFIX + name, pieces)
    length, _, width = shape.extent_m
    return shape.scaled(min(LONGEST_M / float(length), WIDEST_M / float(width)))


def _folder(package: str, wheel: str) -> Path:
    missing = f"named objects are missing; run `make prepare`, which takes them from the wheel {wheel}"
    return package_folder(package, missing)
