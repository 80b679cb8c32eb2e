"""Puts a scene into the compiled model without recompiling it."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.scenes.primitive_scene import Look, Scene, Thing

GEOM_TYPES = {
    "cube": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "ball": mujoco.mjtGeom.mjGEOM_SPHERE,
}
TORSIONAL_M, ROLLING_M = 0.005, 0.0005
BALL_CONDIM, OTHER_CONDIM = 6, 4  # only a ball needs rolling friction to stay where it is
PARKED_Z_M = -2.0


class Dressing:
    """The slots of a model, re-dressed as the things of one scene after the other."""

    def __init__(self, model: Any, slots: int) -> None:
        self._model, self._scratch = model, mujoco.MjData(model)
        self.body_ids = np.array([model.body(f"thing{slot}").id for slot in range(slots)], dtype=int)
        self.geom_ids = np.array([model.geom(f"thing{slot}").id for slot in range(slots)], dtype=int)
        self._qpos = np.array([model.joint(f"thing{slot}").qposadr[0] for slot in range(slots)], dtype=int)

    def apply(self, scene: Scene) -> None:
        """Give the model's slots the shapes, masses and colours of the scene's things, and the room its look."""
        if len(scene.things) > len(self.body_ids):
            raise ConfigError(f"the rig has {len(self.body_ids)} slots, got a scene of {len(scene.things)} things")
        for slot in range(len(self.body_ids)):
            self._dress(slot, scene.things[slot] if slot < len(scene.things) else None)
        mujoco.mj_setConst(self._model, self._scratch)
        self._light(scene.look)

    def place(self, data: Any, scene: Scene) -> None:
        """Put the things where the scene has them, and park the unused slots."""
        for slot, start in enumerate(self._qpos):
            if slot < len(scene.things):
                data.qpos[start : start + 7] = thing_pose(scene.things[slot])
            else:
                data.qpos[start : start + 7] = [slot, 0, PARKED_Z_M, 1, 0, 0, 0]

    def _dress(self, slot: int, thing: Thing | None) -> None:
        model, geom, body = self._model, self.geom_ids[slot], self.body_ids[slot]
        used = thing is not None
        model.geom_contype[geom] = model.geom_conaffinity[geom] = int(used)
        model.body_gravcomp[body] = float(not used)
        model.geom_rgba[geom] = (*thing.rgb, 1) if thing is not None else (0, 0, 0, 0)
        if thing is None:
            return
        half = thing.size_m / 2
        model.geom_type[geom] = GEOM_TYPES[thing.shape]
        model.geom_size[geom] = {"cube": (half, half, half), "cylinder": (half, half, 0), "ball": (half, 0, 0)}[
            thing.shape
        ]
        model.geom_rbound[geom] = half * {"cube": 3**0.5, "cylinder": 2**0.5, "ball": 1.0}[thing.shape]
        model.geom_aabb[geom] = (0, 0, 0, half, half, half)
        model.bvh_aabb[model.body_bvhadr[body]] = (0, 0, 0, half, half, half)
        model.geom_friction[geom] = (thing.friction, TORSIONAL_M, ROLLING_M)
        model.geom_condim[geom] = BALL_CONDIM if thing.shape == "ball" else OTHER_CONDIM
        model.body_mass[body] = thing.mass_kg
        model.body_inertia[body] = _inertia(thing)

    def _light(self, look: Look) -> None:
        model = self._model
        shades = {"table": look.table_rgb, "mat": look.mat_rgb, "floor": look.floor_rgb, "wall": look.wall_rgb}
        for name, rgb in shades.items():
            model.geom(name).rgba = (*rgb, 1)
        sun = model.light("sun")
        sun.dir = np.asarray(look.light_direction) / np.linalg.norm(look.light_direction)
        sun.diffuse, sun.ambient = 0.55 * look.light, 0.25 * look.light
        model.vis.headlight.diffuse[:] = 0.2 * look.light
        model.vis.headlight.ambient[:] = 0.15 * look.light


def thing_pose(thing: Thing) -> FloatArray:
    """(7,) position and quaternion wxyz of a thing's body."""
    return np.array([*thing.position_m, np.cos(thing.yaw_rad / 2), 0, 0, np.sin(thing.yaw_rad / 2)])


def _inertia(thing: Thing) -> tuple[float, float, float]:
    """Principal moments of a solid cube, of a cylinder as high as wide, or of a ball."""
    unit = thing.mass_kg * thing.size_m**2
    if thing.shape == "cylinder":
        return unit * (1 / 16 + 1 / 12), unit * (1 / 16 + 1 / 12), unit / 8
    moment = unit / 6 if thing.shape == "cube" else unit / 10
    return moment, moment, moment
