"""What the governor lets through never makes the simulated arm touch itself or the table; MuJoCo says what touches.

`AUTOGLM_CHUNKS=10000 python -m pytest tests/sim/robots/test_arm_limits_in_mujoco.py -rP --timeout 0` tries more.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.robots import hand_model, servo

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, joint_frames, tool_jacobian
from autoglm_embodied.safety.arm_limits import ArmLimits
from autoglm_embodied.safety.governor import Governor, GovernorLoop
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray

CHUNKS = int(os.environ.get("AUTOGLM_CHUNKS", "50"))
PANDA = Robot.from_file(shipped("panda.yaml"))
LIMITS = Limits(workspace_lower_m=(-2.0,) * 3, workspace_upper_m=(2.0,) * 3, bias_samples=1, hand_mass_kg=0.0)
OPEN_M, PERIOD_NS, HORIZON_S = 0.04, 12_000_000, 0.4
PARTS = [*(f"link{link}" for link in range(1, 8)), "hand"]
ARM = {Reason.COLLISION, Reason.JOINT_LIMIT, Reason.JOINT_SPEED, Reason.SINGULARITY}
NEAR_M = 0.03  # chunks begin with parts nearer to each other than this, or they would rarely touch


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

    def touches(self, joint_rad: FloatArray) -> bool:
        self.place(joint_rad)
        if any(contact.dist < 0 for contact in self._data.contact):
            return True
        return min(points[:, 2].min() for _, points in self.points_m()) < LIMITS.table_m


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


def test_no_chunk_that_is_let_through_makes_the_arm_touch_itself_or_the_table(
    arm: Arm,
) -> None:
    random, found, limits = np.random.default_rng(0), Counter[str](), ArmLimits(PANDA)
    while found["chunks"] < CHUNKS:
        start_rad = random.uniform(np.add(PANDA.joint_lower_rad, 0.05), np.subtract(PANDA.joint_upper_rad, 0.05))
        if not LIMITS.clearance_m < limits.clearances_m(start_rad, LIMITS.table_m).min() < NEAR_M:
            continue
        if np.linalg.cond(tool_jacobian(joint_frames(PANDA, start_rad))) > LIMITS.singularity_slow:
            continue
        twist = np.concatenate([_within(random, 0.3), _within(random, 1.0)])
        free, _, _ = _driven(arm, start_rad, twist, governed=False)
        governed, slowed, stopped = _driven(arm, start_rad, twist, governed=True)
        found.update(chunks=1, touching=free, let_through=governed, slowed=slowed and not free)
        found.update(f"stopped for {reason.value}" for reason in stopped if not free)
        found.update(stopped=bool(stopped) and not free and Reason.SINGULARITY not in stopped)
    print(dict(found))
    assert found["let_through"] == 0
    assert found["stopped"] <= CHUNKS // 100  # what is safe is not stopped; what ends in a singularity is to be
    assert found["touching"] > CHUNKS // 40  # of those that nobody governs, enough to tell


def _driven(arm: Arm, joint_rad: FloatArray, twist: FloatArray, governed: bool) -> tuple[bool, bool, set[Reason]]:
    """Whether the arm touched and was slowed on its account, and why it was stopped."""
    begun = replace(PANDA, home_rad=tuple(joint_rad.tolist()))  # the pull of the elbow home is no part of the command
    motion, now_ns = servo.Servo(arm.model, begun), 0
    loop = GovernorLoop(Governor(LIMITS), PANDA)
    why, stopped, command = set[Reason](), set[Reason](), twist
    for _ in range(round(HORIZON_S * 1e9 / PERIOD_NS)):
        now_ns += PERIOD_NS
        if governed:
            loop.push_joints(now_ns, np.concatenate([motion.joint_rad, [OPEN_M, OPEN_M]]))
            loop.push_wrench(now_ns, np.full(6, now_ns * 1e-15))  # one that stays the same is a broken sensor's
            loop.push_twist(now_ns, twist)
            verdict = loop.step(now_ns)
            command, why = verdict.twist, why | set(verdict.reasons)
            if not command.any() and now_ns > 3 * PERIOD_NS:
                stopped |= set(verdict.reasons) & ARM
        for _ in range(PERIOD_NS // servo.PERIOD_NS):
            motion.advance(command, motion.joint_rad)
        if arm.touches(motion.joint_rad):
            return True, True, stopped
    assert not governed or set(verdict.reasons) <= ARM | {Reason.ACCELERATION}
    return False, bool(why & ARM), stopped


def _within(random: np.random.Generator, most: float) -> FloatArray:
    direction = random.standard_normal(3)
    return np.asarray(direction / np.linalg.norm(direction) * random.uniform(0.3, 1.0) * most)


def _distance_m(points: FloatArray, begin: FloatArray, end: FloatArray) -> FloatArray:
    along = end - begin
    share = np.clip((points - begin) @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    return np.asarray(np.linalg.norm(points - begin - share[:, None] * along, axis=1))
