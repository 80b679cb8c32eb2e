"""Objects as bodies of a MuJoCo model, the same for every rig: how they are added, where they are, what they touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.grasping.hand import NOTHING
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import Solid
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.sensors.renderer import DRAWN_GROUP, HIDDEN_GROUP

CONTACT = {"condim": 4, "solref": [0.005, 1.0], "solimp": [0.95, 0.99, 0.001, 0.5, 2.0]}

WALLS = ("wall0", "wall1", "wall2", "wall3")
WALL_HALF_M, WALL_HEIGHT_M = 0.07, 0.2
TORSIONAL_M, ROLLING_M, SOLID_ROLLING_M = 0.005, 0.0001, 0.0005
BALL_CONDIM = 6  # only a ball needs rolling friction to stay where it is
SOLIDS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
}
FINGERS = ("left_finger", "right_finger")


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


class ObjectState:
    """Reads the objects' poses out of an MjData; never to be shown to a policy.

    Args:
        model: an MjModel with the bodies `object0` and so on.
        count: of the objects.
        origin_m: (3,) of the table frame, in that of the model.
    """

    def __init__(self, model: Any, count: int, origin_m: FloatArray) -> None:
        self._origin_m = origin_m
        joints = [model.joint(f"object{index}") for index in range(count)]
        self._qpos = np.array([joint.qposadr[0] for joint in joints], dtype=int)
        self._dof = np.array([joint.dofadr[0] for joint in joints], dtype=int)
        object_of_body = np.full(model.nbody, NOTHING, np.int16)
        object_of_body[[model.body(f"object{index}").id for index in range(count)]] = np.arange(count)
        self.object_of_geom: NDArray[np.int16] = object_of_body[model.geom_bodyid]
        self.contacts = ObjectContacts(model, self.object_of_geom)

    def position_m(self, data: Any) -> FloatArray:
        """(count, 3) centres of mass, table frame."""
        return np.asarray(data.qpos[self._qpos[:, None] + np.arange(3)] - self._origin_m)

    def pose(self, data: Any) -> FloatArray:
        """(count, 7) centres of mass, base frame, and quaternions w x y z."""
        return np.asarray(data.qpos[self._qpos[:, None] + np.arange(7)])

    def speed_m_s(self, data: Any) -> FloatArray:
        """(count,) of the centres of mass."""
        return np.asarray(np.linalg.norm(data.qvel[self._dof[:, None] + np.arange(3)], axis=1))

    def place(self, data: Any, obj: int, position_m: FloatArray, quaternion_wxyz: FloatArray) -> None:
        """Put an object somewhere on the table, at rest."""
        start, dof = self._qpos[obj], self._dof[obj]
        data.qpos[start : start + 3] = position_m + self._origin_m
        data.qpos[start + 3 : start + 7] = quaternion_wxyz
        data.qvel[dof : dof + 6] = 0


class ObjectContacts:
    """Reads out of an MjData what objects touch; never to be shown to a policy.

    Args:
        model: an MjModel with a hand and two fingers.
        object_of_geom: (geoms,) the object of each geom, below 0 for what is none.
    """

    def __init__(self, model: Any, object_of_geom: NDArray[np.int16]) -> None:
        self._object_of_geom = object_of_geom
        self._on_finger = np.array([model.geom_bodyid == model.body(finger).id for finger in FINGERS])
        self._on_hand = (model.geom_bodyid == model.body("hand").id) | self._on_finger.any(axis=0)

    def between(self, data: Any) -> frozenset[int]:
        """Objects that both fingers touch."""
        objects, partners = self._touching(data)
        left, right = (set(objects[on[partners]].tolist()) for on in self._on_finger)
        return frozenset(left & right)

    def borne_by_hand(self, data: Any, objects: frozenset[int]) -> frozenset[int]:
        """Of some objects, those that touch nothing but the hand and one another, directly or through the others."""
        owners, partners = self._touching(data)
        elsewhere = ~self._on_hand[partners]
        pairs = zip(owners[elsewhere].tolist(), self._object_of_geom[partners[elsewhere]].tolist(), strict=True)
        return borne_by_hand(objects, list(pairs))

    def _touching(self, data: Any) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        """(n,) the object and (n,) the other geom of every contact of an object, of two objects from either side."""
        pairs = np.asarray(data.contact.geom).reshape(-1, 2)
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        objects = self._object_of_geom[ends[:, 0]]
        return objects[objects >= 0], ends[objects >= 0, 1]


def borne_by_hand(objects: frozenset[int], contacts: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Of some objects, those that touch nothing but the hand and one another, directly or through the others.

    Args:
        objects: in question.
        contacts: an object and what it touches but the hand, from either side; below 0 for what is no object.
    """
    while leaning := {obj for obj, other in contacts if obj in objects and other not in objects}:
        objects -= leaning
    return objects
