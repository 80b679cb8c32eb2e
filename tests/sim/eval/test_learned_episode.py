"""Whoever acts in simulation: the governor stands between it and the arm."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import autoglm_embodied_sim
import numpy as np
import pytest
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from sim_cases import Laid, laid_scene

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.types import Command, FloatArray

BEHIND_THE_GOVERNOR = ("eval", "bench", "collect")
MAY_COMMAND_THE_RIG = {"simulated_rollout.py", "realtime.py", "governed_chunks.py"}  # the last two run no policy


@pytest.fixture
def table() -> Iterator[Laid]:
    table = laid_scene(3)
    yield table
    table.arm.close()


def rollout_of(table: Laid, monkeypatch: pytest.MonkeyPatch) -> tuple[SimulatedRollout, list[FloatArray]]:
    """A settled rollout, and the twists that reach its arm from then on."""
    robot = Robot.from_file(shipped("panda.yaml"))
    rollout = SimulatedRollout(table.rig, Aligner(AlignSettings(), lambda q: forward_kinematics(robot, q)))
    rollout.settle()
    twists: list[FloatArray] = []
    command = table.rig.command

    def noted(twist: FloatArray, width_m: float) -> None:
        twists.append(np.array(twist))
        command(twist, width_m)

    monkeypatch.setattr(table.rig, "command", noted)
    return rollout, twists


def test_a_command_beyond_the_limits_reaches_the_arm_within_them(table: Laid, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout, twists = rollout_of(table, monkeypatch)
    for _ in range(12):
        rollout.advance(Command(np.array([0.0, 5.0, 0.0, 0.0, 0.0, 9.0]), 0.08))
    speeds = np.array([[np.linalg.norm(twist[:3]), np.linalg.norm(twist[3:])] for twist in twists])
    assert 0.2 < speeds[:, 0].max() <= Limits().max_linear_m_s + 1e-9
    assert speeds[:, 1].max() <= Limits().max_angular_rad_s + 1e-9


def test_a_command_that_is_not_finite_leaves_the_arm_still(table: Laid, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout, twists = rollout_of(table, monkeypatch)
    for _ in range(6):
        rollout.advance(Command(np.full(6, np.nan), 0.08))
    assert twists and not np.any(twists)


def test_a_command_through_the_table_ends_above_it(table: Laid, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout, twists = rollout_of(table, monkeypatch)
    for _ in range(120):
        rollout.advance(Command(np.array([0.0, 0.0, -0.25, 0.0, 0.0, 0.0]), 0.08))
    tool_m = forward_kinematics(Robot.from_file(shipped("panda.yaml")), table.rig.joints()[0][:7])[:3, 3]
    assert 0.0 < tool_m[2] < 0.03 and np.abs(twists[-1]).max() < 0.01


def test_in_evaluation_and_collection_nothing_but_the_governor_commands_the_arm() -> None:
    folder = Path(autoglm_embodied_sim.__file__).parent
    commanding = {
        path.name
        for room in BEHIND_THE_GOVERNOR
        for path in (folder / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "command"
    }
    assert commanding == MAY_COMMAND_THE_RIG
