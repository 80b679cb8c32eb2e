"""Objects, and the walls between which they are piled, as bodies of a MuJoCo model; the same for every rig."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.geoms import CONTACT, DRAWN_GROUP, HIDDEN_GROUP
from autoglm_embodied_sim.objects.shape import Solid
from autoglm_embodied_sim.scenes.scene_object import SceneObject

WALLS = ("wall0", "wall1", "wall2", "wall3")
WALL_HALF_M, WALL_HEIGHT_M = 0.07, 0.2
TORSIONAL_M, ROLLING_M, SOLID_ROLLING_M = 0.005, 0.0001, 0.0005
BALL_CONDIM = 6  # only a ball needs rolling friction to stay where it is
SOLIDS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
}


def add_walls(spec: Any, centre_m: FloatArray) -> None:
    """Add four walls about a point of the table, which nobody sees and which touch nothing until they are raised."""
    box = mujoco.mjtGeom.mjGEOM_BOX
    for name, (x, y) in zip(WALLS, ((1, 0), (-1, 0), (0, 1), (0, -1)), strict=True):
        half = [0.01, WALL_HALF_M + 0.02, WALL_HEIGHT_M] if x else [WALL_HALF_M + 0.02, 0.01, WALL_HEIGHT_M]
        place = centre_m + [x * (WALL_HALF_M + 0.01), y * (WALL_HALF_M + 0.01), WALL_HEIGHT_M]
        spec.worldbody.add_geom(name=name, type=box, size=half, pos=place, group=HIDDEN_GROUP, contype=0, conaffinity=0)


def raise_walls(model: Any, up: bool) -> None:
    """Let the walls stop what is between them, or touch nothing again."""
    walls = [model.geom(name).id for name in WALLS]
    model.geom_contype[walls] = model.geom_conaffinity[walls] = int(up)


def add_object(spec: Any, name: str, obj: SceneObject) -> Any:
    """Add an object to a model's specification: a free body of this name with its centre of mass in the origin."""
    body = spec.worldbody.add_body(name=name)
    body.add_freejoint(name=name)
    inertia = obj.shape.inertia(obj.mass_kg)
    body.mass, body.ipos, body.explicitinertial = obj.mass_kg, np.zeros(3), True
    body.fullinertia = [*np.diag(inertia), inertia[0, 1], inertia[0, 2], inertia[1, 2]]
    if obj.shape.solid is not None:
        _add_solid(body, name, obj, obj.shape.solid)
        return body
    for index, piece in enumerate(obj.shape.pieces):
        mesh = f"{name}_{index}"
        spec.add_mesh(name=mesh, uservert=piece.ravel().tolist(), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX)
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh, **_surface(obj, ROLLING_M))
    return body


def _add_solid(body: Any, name: str, obj: SceneObject, solid: Solid) -> None:
    x_m, _, z_m = solid.half_m
    size = {"box": list(solid.half_m), "cylinder": [x_m, z_m, 0], "sphere": [x_m, 0, 0]}[solid.kind]
    surface = _surface(obj, SOLID_ROLLING_M)
    if solid.kind == "sphere":
        surface["condim"] = BALL_CONDIM
    body.add_geom(name=name, type=SOLIDS[solid.kind], size=size, **surface)


def _surface(obj: SceneObject, rolling_m: float) -> dict[str, Any]:
    """How an object's geoms touch and look."""
    return {
        "friction": [obj.friction, TORSIONAL_M, rolling_m],
        "priority": 1,  # else the larger friction of two would count
        "group": DRAWN_GROUP,
        "rgba": [*obj.rgb, 1],
        **CONTACT,
    }
