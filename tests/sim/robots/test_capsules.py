"""The capsules of the robot files enclose the meshes that MuJoCo lets collide, all over their faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.robots import hand_model

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, joint_frames
from autoglm_embodied.types import FloatArray

PANDA, *OTHERS = (Robot.from_file(shipped(f"{name}.yaml")) for name in ("panda", "robots/fr3", "robots/ur5e"))
WIDTHS_M = (0.0, 0.02, 0.04)  # of one finger from the middle
PARTS = {**{f"link{link}": link for link in range(1, 8)}, "hand": 8, "left_finger": 8, "right_finger": 8}
JOINT_RAD = np.array([0.3, -0.5, 0.4, -2.0, 0.2, 1.7, 0.5])
MOST_OUTSIDE_M = 0.0005  # between the points of a face that are looked at
OF_THE_HAND = 7  # capsules: two of its body, five of wherever its fingers may be
STEPS = 8  # along an edge of a face


class Arm:
    """The collision meshes of the simulated arm, which are convex."""

    def __init__(self) -> None:
        self.model: Any = mujoco.MjSpec.from_file(str(hand_model.panda_file())).compile()
        self._data = mujoco.MjData(self.model)
        solid = [g for g in range(self.model.ngeom) if self.model.geom_contype[g] and self.model.geom_dataid[g] >= 0]
        bodies = {g: self.model.body(self.model.geom_bodyid[g]).name for g in solid}
        self._points_m = {g: self._points(g) for g, body in bodies.items() if body in PARTS}

    def _points(self, geom: int) -> FloatArray:
        """(n, 3) of all faces of the mesh, in its frame."""
        mesh = self.model.mesh(self.model.geom_dataid[geom])
        vertices = self.model.mesh_vert[int(mesh.vertadr[0]) :][: int(mesh.vertnum[0])]
        faces = self.model.mesh_face[int(mesh.faceadr[0]) :][: int(mesh.facenum[0])]
        grid = [(i, j, STEPS - i - j) for i in range(STEPS + 1) for j in range(STEPS + 1 - i)]
        return np.asarray(np.einsum("sc,fcx->fsx", np.array(grid) / STEPS, vertices[faces]).reshape(-1, 3), np.float64)

    def outside_m(self, robot: Robot, finger_m: float) -> dict[str, float]:
        """How far each part reaches out of its capsules, each finger `finger_m` off the middle; below 0: not at all."""
        self._data.qpos[:9] = [*JOINT_RAD, finger_m, finger_m]
        mujoco.mj_kinematics(self.model, self._data)
        frames, outside = joint_frames(robot, JOINT_RAD), dict[str, float]()
        capsules = np.array(robot.capsules_m).reshape(-1, 7)
        for geom, points in self._points_m.items():
            body = self.model.body(self.model.geom_bodyid[geom]).name
            link = PARTS[body]
            at_m = points @ self._data.geom_xmat[geom].reshape(3, 3).T + self._data.geom_xpos[geom]
            own_m = (at_m - frames[link][:3, 3]) @ frames[link][:3, :3]
            of_link = capsules[np.array(robot.capsule_links) == link]
            away_m = [_distance_m(own_m, each[:3], each[3:6]) - each[6] for each in of_link]
            outside[body] = max(outside.get(body, -1.0), float(np.min(away_m, axis=0).max()))
        return outside


@pytest.fixture(scope="module")
def arm() -> Arm:
    return Arm()


@pytest.mark.parametrize("finger_m", WIDTHS_M)
def test_capsules_enclose_the_collision_meshes(arm: Arm, finger_m: float) -> None:
    outside_m = arm.outside_m(PANDA, finger_m)
    assert outside_m.keys() == PARTS.keys()
    assert {body: away for body, away in outside_m.items() if away > MOST_OUTSIDE_M} == {}


def test_a_capsule_of_the_hand_that_is_too_small_or_too_short_is_found(arm: Arm) -> None:
    first = PANDA.capsule_links.index(8)
    for index in (first, first + 1):
        for at, less in ((6, 0.003), (1, -0.006), (4, 0.006)):
            smaller = list(PANDA.capsules_m)
            smaller[7 * index + at] -= less
            assert arm.outside_m(replace(PANDA, capsules_m=tuple(smaller)), 0.0)["hand"] > MOST_OUTSIDE_M, (index, at)


@pytest.mark.parametrize("robot", OTHERS, ids=lambda robot: robot.name)
def test_the_hand_has_the_same_capsules_on_every_arm(robot: Robot) -> None:
    assert _capsules_of_the_hand(robot) == _capsules_of_the_hand(PANDA)


def _capsules_of_the_hand(robot: Robot) -> tuple[float, ...]:
    assert robot.capsule_links[-OF_THE_HAND:] == (robot.joints + 1,) * OF_THE_HAND
    return robot.capsules_m[-7 * OF_THE_HAND :]


def _distance_m(points: FloatArray, begin: FloatArray, end: FloatArray) -> FloatArray:
    along = end - begin
    share = np.clip((points - begin) @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    return np.asarray(np.linalg.norm(points - begin - share[:, None] * along, axis=1))
