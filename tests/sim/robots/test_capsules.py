"""The capsules of the Panda's file enclose the meshes that MuJoCo lets collide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.robots import hand_model

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, joint_frames
from autoglm_embodied.types import FloatArray

PANDA = Robot.from_file(shipped("panda.yaml"))
OPEN_M = 0.04
PARTS = [*(f"link{link}" for link in range(1, 8)), "hand"]


class Arm:
    """The collision meshes of the simulated arm."""

    def __init__(self) -> None:
        spec = mujoco.MjSpec.from_file(str(hand_model.panda_file()))
        spec.body("hand").add_site(name="tool", pos=[0, 0, 0.1034])
        self.model: Any = spec.compile()
        self._data = mujoco.MjData(self.model)
        solid = [g for g in range(self.model.ngeom) if self.model.geom_contype[g] and self.model.geom_dataid[g] >= 0]
        bodies = {g: self.model.body(self.model.geom_bodyid[g]).name for g in solid}
        self.vertices_m = {g: self._vertices(g) for g, body in bodies.items() if body in PARTS}

    def _vertices(self, geom: int) -> FloatArray:
        mesh = self.model.mesh(self.model.geom_dataid[geom])
        first, count = int(mesh.vertadr[0]), int(mesh.vertnum[0])
        return np.asarray(self.model.mesh_vert[first : first + count], np.float64)

    def place(self, joint_rad: FloatArray) -> None:
        self._data.qpos[:9] = [*joint_rad, OPEN_M, OPEN_M]
        mujoco.mj_kinematics(self.model, self._data)
        mujoco.mj_collision(self.model, self._data)

    def points_m(self) -> Iterator[tuple[str, FloatArray]]:
        """Vertices of each part, in the base frame."""
        for geom, vertices in self.vertices_m.items():
            body = self.model.body(self.model.geom_bodyid[geom]).name
            yield body, vertices @ self._data.geom_xmat[geom].reshape(3, 3).T + self._data.geom_xpos[geom]


@pytest.fixture(scope="module")
def arm() -> Arm:
    return Arm()


def test_capsules_enclose_the_collision_meshes(arm: Arm) -> None:
    joint_rad = np.array([0.3, -0.5, 0.4, -2.0, 0.2, 1.7, 0.5])
    arm.place(joint_rad)
    frames, capsules = joint_frames(PANDA, joint_rad), np.array(PANDA.capsules_m).reshape(-1, 7)
    for body, points in arm.points_m():
        link = 8 if body == "hand" else int(body[-1])
        outside = [
            _distance_m(points, *(ends @ frames[link][:3, :3].T + frames[link][:3, 3])) - radius
            for at, ends, radius in zip(
                PANDA.capsule_links, capsules[:, :6].reshape(-1, 2, 3), capsules[:, 6], strict=True
            )
            if at == link
        ]
        assert np.min(outside, axis=0).max() < 0.001, body


def _distance_m(points: FloatArray, begin: FloatArray, end: FloatArray) -> FloatArray:
    along = end - begin
    share = np.clip((points - begin) @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    return np.asarray(np.linalg.norm(points - begin - share[:, None] * along, axis=1))
