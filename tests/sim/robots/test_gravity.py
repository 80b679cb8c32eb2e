"""The hand's weight, as the simulated wrist feels it, is taken off while the arm turns."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.robots.arm_rig import ArmRig

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.types import FloatArray

STEPS, MS = 10, 1_000_000
TURN = np.array([0.0, 0, 0, 0.4, 0.3, 0])  # 0.5 rad/s about a level axis


@pytest.fixture
def rig() -> ArmRig:
    return ArmRig(seed=0)


def hand(rig: ArmRig) -> tuple[float, FloatArray]:
    """Mass of all that hangs on the sensor, and its centre in the sensor's frame, as the model has them."""
    body, site = rig.model.body("hand").id, rig.data.site("ft")
    mujoco.mj_forward(rig.model, rig.data)
    centre_m = site.xmat.reshape(3, 3).T @ (rig.data.subtree_com[body] - site.xpos)
    return float(rig.model.body_subtreemass[body]), centre_m


def force_while_turning(rig: ArmRig, settings: AlignSettings) -> float:
    """The largest mean force [N] over 128 ms in 1.2 s of turning, after a tare at rest."""
    robot = Robot.from_file(shipped("panda.yaml"))
    aligner = Aligner(settings, lambda position: forward_kinematics(robot, position))
    largest_n = 0.0
    for tick in range(230):
        if tick == 110:
            aligner.tare(rig.time_ns)
        if tick >= 110:
            rig.command(TURN, 0.08)
        begin_ns = rig.time_ns
        rig.step(STEPS)
        for step, wrench in enumerate(rig.wrenches(), 1):
            aligner.push_wrench(begin_ns + step * MS, begin_ns + step * MS, wrench)
        aligner.push_joints(rig.time_ns, rig.time_ns, *rig.joints())
        force = aligner.observe(rig.time_ns).force.value
        if force is not None and tick > 150:  # the arm has stopped speeding up
            largest_n = max(largest_n, float(np.linalg.norm(force.pyramid[2, 0, :3])))
    return largest_n


def test_with_the_hands_mass_told_a_turning_hand_weighs_nothing(rig: ArmRig) -> None:
    mass_kg, centre_m = hand(rig)
    assert force_while_turning(rig, AlignSettings()) > 1.0
    rig.reset()
    told = AlignSettings(tool_mass_kg=mass_kg, tool_centre_m=tuple(centre_m))
    assert force_while_turning(rig, told) < 0.15
