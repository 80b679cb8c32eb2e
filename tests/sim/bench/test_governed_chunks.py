"""What the governor lets through never makes a simulated arm touch itself or the table, or pass a joint's limit."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from autoglm_embodied_sim.bench import governed_chunks
from autoglm_embodied_sim.bench.governed_chunks import KINDS, ChunkBench, Driven, Trial, add_figures, measure
from autoglm_embodied_sim.cli import bench_limits
from autoglm_embodied_sim.robots.arm_rig import bare_arm
from autoglm_embodied_sim.robots.motion_oracle import LOOKS_M, MotionOracle, Nearest

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.metrics import Report
from autoglm_embodied.safety.arm_limits import ArmLimits
from autoglm_embodied.safety.limits import Reason

CHUNKS = 40  # of each robot; `autoglm bench limits` tries more
PANDA, UR5E = (Robot.from_file(shipped(file)) for file in ("panda.yaml", "robots/ur5e.yaml"))
CLEAR = Nearest(LOOKS_M, LOOKS_M, 1.0)
TOUCHING = Nearest(-0.001, LOOKS_M, 1.0)


@pytest.mark.parametrize("robot", [PANDA, UR5E], ids=lambda robot: robot.name)
def test_no_chunk_that_is_let_through_touches_or_passes_anything(robot: Robot) -> None:
    report, said = Report("autoglm bench limits", 0, 0), list[str]()
    measure(report, robot, CHUNKS, said.append)
    assert report.value("limits.let_through", case=robot.name, stat="governed") == 0, said
    violating = report.value("limits.let_through", case=robot.name, stat="without")
    assert violating is not None and violating > CHUNKS / 4  # enough to tell
    assert all(report.value("limits.let_through", case=f"{robot.name}/{kind}", stat="without") for kind in KINDS[1:])


def test_nothing_is_let_through_where_a_share_of_the_wanted_speed_near_a_singularity_was_too_much() -> None:
    bench = ChunkBench(UR5E)
    for number in (214, 286, 361):  # passed a limit or touched the table when that was tried instead of what is reached
        assert not bench.trial(0, number).let_through, number
    bench.close()


def test_without_its_limits_the_arm_does_violate_and_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArmLimits, "bound", lambda _, twist, *more: (twist, []))
    report = Report("autoglm bench limits", 0, 0)
    measure(report, PANDA, len(KINDS) * 2, lambda _: None)
    let_through = [report.value("limits.let_through", case="panda", stat=stat) for stat in ("governed", "without")]
    assert let_through[0] == let_through[1] > 0


def test_a_chunk_is_the_same_in_every_run_and_begins_clear_of_everything() -> None:
    bench = ChunkBench(PANDA)
    for kind in KINDS:
        one, other = (bench.draw(kind, True, np.random.default_rng((0, 1))) for _ in range(2))
        assert np.array_equal(one.start_rad, other.start_rad) and np.array_equal(one.twists, other.twists)
        assert bench.oracle.nearest(one.start_rad).violation == "" and one.lead_in.any()
    bench.close()


@pytest.mark.parametrize("robot", [PANDA, UR5E], ids=lambda robot: robot.name)
def test_the_oracle_tells_table_arm_and_limits_apart(robot: Robot) -> None:
    oracle, home_rad = MotionOracle(bare_arm(robot), robot), np.array(robot.home_rad)
    assert oracle.nearest(home_rad).keeps(0.01, 0.01, 0.03)
    passed = np.array(home_rad)
    passed[0] = robot.joint_upper_rad[0] + 0.001
    assert oracle.nearest(passed).violation == "joint limit"
    found, random = set[str](), np.random.default_rng(0)
    while found != {"itself", "table", ""}:
        posture = random.uniform(robot.joint_lower_rad, robot.joint_upper_rad)
        found.add(oracle.nearest(posture).violation)


def test_fingers_may_touch_the_table() -> None:
    oracle, low_rad = MotionOracle(bare_arm(PANDA), PANDA), np.array(PANDA.home_rad)
    while forward_kinematics(PANDA, low_rad)[2, 3] > PANDA.fingertip_m - 0.003:
        low_rad[1] += 0.002
        low_rad[5] += 0.002  # the hand stays upright
    assert oracle.nearest(low_rad).violation == ""


def driven(nearest: Nearest = CLEAR, condition: float = 5.0, stood: bool = False) -> Driven:
    """A chunk that came so near, and stood on account of a joint's limit."""
    reasons = {Reason.JOINT_LIMIT} if stood else set()
    return Driven(nearest.violation, nearest, condition, reasons, set(reasons))


def test_figures_count_what_is_let_through_and_of_what_is_safe_what_is_refused() -> None:
    near = Nearest(0.002, LOOKS_M, 1.0)  # harmless, and yet nearer than the governor is to go
    trials = [
        Trial("walk", driven(), driven()),
        Trial("walk", driven(stood=True), driven()),
        Trial("walk", driven(stood=True), driven(near)),
        Trial("walk", driven(stood=True), driven(condition=200.0)),
        Trial("table", driven(stood=True), driven(TOUCHING)),
        Trial("table", driven(TOUCHING), driven(TOUCHING)),
    ]
    report = Report("autoglm bench limits", 0, 0)
    add_figures(report, "some", trials)
    rows = {(row.figure, row.case, row.stat): (row.value, row.n) for row in report.rows}
    assert rows["limits.let_through", "some", "governed"] == (1, 6)
    assert rows["limits.let_through", "some", "without"] == (2, 6)
    assert rows["limits.refused", "some", "safe"] == (1 / 2, 2)
    assert rows["limits.refused", "some", "harmless"] == (3 / 4, 4)
    assert rows["limits.let_through", "some/table", "governed"] == (1, 2)
    assert report.details == {"violations": {"table": 1}, "safe_refused_for": {"joint limit": 1}}
    assert {skipped.why for skipped in report.skipped} >= {"no chunk of some/joint was drawn"}


def test_the_command_measures_the_arm_it_is_given_and_refuses_no_chunks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    robots = list[str]()

    def add(report: Report, robot: Robot, chunks: int, say: object) -> None:
        robots.append(robot.name)
        report.add("limits.let_through", 0, "chunks", chunks)

    monkeypatch.setattr(governed_chunks, "measure", add)
    parser = argparse.ArgumentParser()
    bench_limits.add_parser(parser.add_subparsers(dest="part"))
    args = parser.parse_args(["limits", "--robot", "ur5e", "--chunks", "3"])
    assert bench_limits.run(args) == 0 and robots == ["ur5e"] and "limits.let_through" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="--chunks must be 1 or more, got 0"):
        bench_limits.run(parser.parse_args(["limits", "--chunks", "0"]))
