"""What MuJoCo says of a posture of the simulated arm: how near its parts are to each other, to the table, to limits."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray

LOOKS_M = 0.02  # distances beyond this are not told apart
FINGERS = ("left_finger", "right_finger")  # which may touch the table
WORLD = "world"


@dataclass(frozen=True)
class Nearest:
    """Distances of one posture, in metres at most LOOKS_M; below 0 where something overlaps or is passed."""

    table_m: float  # of the arm and the hand without its fingers
    itself_m: float
    joint_rad: float  # to the nearest limit of a joint

    @property
    def violation(self) -> str:
        """What is touched or passed; empty: nothing."""
        each = {"itself": self.itself_m, "table": self.table_m, "joint limit": self.joint_rad}
        return next((name for name, away in each.items() if away < 0), "")

    def keeps(self, table_m: float, itself_m: float, joint_rad: float) -> bool:
        """Whether each distance is at least as large as this."""
        return self.table_m >= table_m and self.itself_m >= itself_m and self.joint_rad >= joint_rad

    def least(self, other: Nearest) -> Nearest:
        """The smaller distance of each kind."""
        return Nearest(
            min(self.table_m, other.table_m), min(self.itself_m, other.itself_m), min(self.joint_rad, other.joint_rad)
        )


class MotionOracle:
    """Collision geometry of a simulated arm with open fingers, apart from the physics that it judges.

    Parts that are near each other at home, as those of neighbours are, count where they overlap alone.

    Args:
        model: an MjModel whose first joints are the arm's; it stays as it is.
        robot: its limits.
    """

    def __init__(self, model: Any, robot: Robot) -> None:
        self._model, self._joints = copy.copy(model), robot.joints
        self._model.geom_margin[:] = LOOKS_M
        self._data = mujoco.MjData(self._model)
        self._lower, self._upper = np.array(robot.joint_lower_rad), np.array(robot.joint_upper_rad)
        body = [self._model.body(at).name for at in self._model.geom_bodyid]
        self._table = np.array([name == WORLD for name in body])
        self._finger = np.array([name in FINGERS for name in body])
        self._place(np.array(robot.home_rad))
        self._unfiltered = self._arm_pairs(body)
        self._close = np.zeros((len(body),) * 2, bool)
        geoms, apart_m = self._near()
        self._close[geoms[:, 0], geoms[:, 1]] = apart_m < LOOKS_M

    def nearest(self, joint_rad: FloatArray) -> Nearest:
        """How near the arm is to what it must not touch or pass, at joint angles (J,)."""
        self._place(joint_rad)
        geoms, apart_m = self._near()
        table = self._table[geoms].any(axis=1)
        on_table_m = apart_m[table & ~self._finger[geoms].any(axis=1)]
        itself_m = apart_m[~table & ((apart_m < 0) | ~self._close[geoms[:, 0], geoms[:, 1]])]
        room_rad = np.minimum(joint_rad - self._lower, self._upper - joint_rad).min()
        return Nearest(float(on_table_m.min(initial=LOOKS_M)), float(itself_m.min(initial=LOOKS_M)), float(room_rad))

    def _place(self, joint_rad: FloatArray) -> None:
        self._data.qpos[: self._joints] = joint_rad
        self._data.qpos[self._joints : self._joints + len(FINGERS)] = MAX_WIDTH_M / 2
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)

    def _near(self) -> tuple[Any, FloatArray]:
        """Geoms (n, 2) that are near each other as they are placed, and their distances (n,) [m]."""
        contact = self._data.contact
        apart_m = [self._apart_m(*pair) for pair in self._unfiltered]
        geoms = np.concatenate([contact.geom.reshape(-1, 2), np.reshape(self._unfiltered, (-1, 2)).astype(int)])
        return geoms, np.concatenate([contact.dist, apart_m])

    def _apart_m(self, first: int, second: int) -> float:
        return float(mujoco.mj_geomDistance(self._model, self._data, first, second, LOOKS_M, None))

    def _arm_pairs(self, body: list[str]) -> list[tuple[int, int]]:
        """Parts of links that are no neighbours, which the physics lets pass through each other.

        Without those that overlap at home: they always do.
        """
        model, links = self._model, {f"link{number}": number for number in range(self._joints + 1)}
        arm = [geom for geom, name in enumerate(body) if name in links and model.geom_contype[geom]]
        return [
            (first, second)
            for first, second in combinations(arm, 2)
            if abs(links[body[first]] - links[body[second]]) > 1
            and not model.geom_contype[first] & model.geom_conaffinity[second]
            and self._apart_m(first, second) > 0
        ]
