"""Pick, place and home on arms of seven and of six joints in MuJoCo, behind the governor, by what is sensed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from autoglm_embodied_sim.eval.learned_episode import fresh_pipeline
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.sensors.sensor_specs import PANDA
from sim_cases import Laid, laid_scene

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.grasping.named import Named
from autoglm_embodied.grasping.scripted_policy import ScriptedPolicy
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.checkpoint import SHIPPED
from autoglm_embodied.policy.episode import Episode
from autoglm_embodied.policy.goal import Goal, Outcome
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.motions import ActionSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.scripts import Scripts
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.types import FloatArray, Intent

pytestmark = pytest.mark.slow
HAND_OVER_M = (0.5, 0.15, 0.3)
UR5E = Robot.from_file(shipped("robots/ur5e.yaml"))
LOOKS = ("feel", "look")  # the camera is drawn while a place looks for its reference, and for a grasp


@dataclass
class Cell:
    """An arm, its table, and a controller that commands it."""

    table: Laid
    rollout: SimulatedRollout
    controller: GraspController
    peak_n: float = 0.0  # of the tared wrist since the last goal began

    def carry_out(self, goal: Goal, pull_n: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Episode:
        """Tick until the goal is over; the first object is pulled at while the goal waits."""
        begin: Goal | None = goal
        sees, self.peak_n = True, 0.0
        arm = self.table.arm
        while True:
            now_ns = self.table.rig.time_ns
            if sees:
                self.controller.pipeline.push_frame(self.table.rig.frame(), now_ns)
            step = self.controller.step(now_ns, now_ns, begin, None)
            begin = None
            self.rollout.advance(step.command)
            assert step.episode is not None
            waits = step.episode.phase_name == "wait"
            arm.data.xfrc_applied[arm.model.body("object0").id, :3] = np.multiply(pull_n, waits)
            sees = goal.intent is Intent.GRASP or step.episode.phase_name in LOOKS
            if step.tick.observation.force.value is not None:
                raw = step.tick.observation.force.value.raw
                self.peak_n = max(self.peak_n, float(np.linalg.norm(raw[:, :3], axis=1).max()))
            if step.episode.over:
                assert step.command is None
                return step.episode

    def places_m(self) -> FloatArray:
        """(count, 3) of the objects."""
        return np.array(self.table.arm.truth.position_m(self.table.arm.data))

    def joints_rad(self) -> FloatArray:
        """(J,) of the arm."""
        return np.array(self.table.rig.joints()[0][: self.robot.joints])

    def off_home_m(self) -> float:
        """How far the tool is from where it is at home."""
        here, home = (forward_kinematics(self.robot, at) for at in (self.joints_rad(), np.array(self.robot.home_rad)))
        return float(np.linalg.norm(here[:3, 3] - home[:3, 3]))

    @property
    def robot(self) -> Robot:
        return self.table.arm.robot


@pytest.fixture
def cell() -> Iterator[Cell]:
    """With the Panda, and the policy that is shipped for it."""
    yield from cell_of(PANDA, fresh_pipeline(SHIPPED), GraspSettings())


@pytest.fixture
def six_axis_cell() -> Iterator[Cell]:
    """With a UR5e, and the policy that needs no training on an arm."""
    policy = ScriptedPolicy(partial(Named, None), WorkArea().workplace(UR5E))
    align = AlignSettings(arm_joints=UR5E.joints)
    pipeline = Pipeline(Aligner(align, partial(forward_kinematics, UR5E)), policy)
    yield from cell_of(UR5E, pipeline, GraspSettings(timeout_s=120.0))
    policy.close()


def cell_of(robot: Robot, pipeline: Pipeline, settings: GraspSettings) -> Iterator[Cell]:
    torch.set_num_threads(1)
    table = laid_scene(3, robot)
    rollout = SimulatedRollout(table.rig, pipeline)
    rollout.settle()
    scripts = Scripts(
        ActionSettings(hand_over_m=HAND_OVER_M, hand_over_s=2.0),
        settings,
        forward_kinematics(robot, np.array(robot.home_rad)),
    )
    yield Cell(table, rollout, GraspController(pipeline, settings, scripts))
    table.arm.close()


def test_what_is_picked_up_is_put_left_of_another_object_and_the_arm_goes_home(cell: Cell) -> None:
    first, second = (obj.name for obj in cell.table.objects[:2])
    before_m = cell.places_m()
    assert cell.carry_out(Goal(Intent.GRASP, f"pick up the {first}")).outcome is Outcome.HELD
    placed = cell.carry_out(Goal(Intent.PLACE, f"left of the {second}"))
    assert placed.outcome is Outcome.PLACED, placed.message
    assert cell.peak_n < Limits().max_force_n
    cell.rollout.advance(None)
    after_m = cell.places_m()
    assert np.linalg.norm(after_m[0, :2] - before_m[1, :2] - [0.0, 0.1]) < 0.02
    assert abs(after_m[0, 2] - before_m[0, 2]) < 0.003 and np.abs(after_m[1:] - before_m[1:]).max() < 0.003
    home = cell.carry_out(Goal(Intent.HOME))
    assert home.outcome is Outcome.AT_HOME, home.message
    assert cell.off_home_m() < 0.01
    still_rad = cell.joints_rad()
    for _ in range(10):
        cell.rollout.advance(None)
    assert np.abs(cell.joints_rad() - still_rad).max() < 0.005
    assert cell.carry_out(Goal(Intent.PLACE, "here")).outcome is Outcome.HAND_EMPTY


def test_with_one_object_in_the_hand_another_is_not_called_held_and_it_is_given_to_who_pulls_at_it(cell: Cell) -> None:
    first, second = (obj.name for obj in cell.table.objects[:2])
    assert cell.carry_out(Goal(Intent.GRASP, f"pick up the {first}")).outcome is Outcome.HELD
    before_rad = cell.joints_rad()
    refused = cell.carry_out(Goal(Intent.GRASP, f"pick up the {second}"))
    assert refused.outcome is Outcome.HAND_NOT_EMPTY and refused.tries == 0
    assert np.abs(cell.joints_rad() - before_rad).max() < 0.02
    for pull_n, outcome in (((0.0, 2.0, 0.0), Outcome.TIMEOUT), ((0.0, 8.0, 0.0), Outcome.HANDED_OVER)):
        episode = cell.carry_out(Goal(Intent.PLACE, "hand it to me"), pull_n)
        assert episode.outcome is outcome, episode.message
        at_m = forward_kinematics(cell.robot, cell.joints_rad())[:3, 3]
        assert np.linalg.norm(at_m - HAND_OVER_M) < 0.01


def test_an_arm_of_six_joints_picks_up_places_goes_home_and_keeps_to_its_joint_speeds(six_axis_cell: Cell) -> None:
    cell, arm = six_axis_cell, six_axis_cell.table.arm
    before_m, fastest_rad_s = cell.places_m(), np.zeros(UR5E.joints)
    arm.watch = lambda: np.maximum(fastest_rad_s, np.abs(arm.data.qvel[: UR5E.joints]), out=fastest_rad_s)
    first, second = (obj.name for obj in cell.table.objects[:2])
    held = cell.carry_out(Goal(Intent.GRASP, f"pick up the {first}"))
    assert held.outcome is Outcome.HELD, held.message
    for _ in range(2):
        jogged = cell.carry_out(Goal(Intent.JOG, slots={"direction": "down", "distance_m": "0.15"}))
        assert jogged.outcome is Outcome.DONE, jogged.message
    assert cell.places_m()[0, 2] > before_m[0, 2] + 0.03
    placed = cell.carry_out(Goal(Intent.PLACE, f"left of the {second}"))
    assert placed.outcome is Outcome.PLACED, placed.message
    cell.rollout.advance(None)
    after_m = cell.places_m()
    assert np.linalg.norm(after_m[0, :2] - before_m[1, :2] - [0.0, 0.1]) < 0.02
    assert np.abs(after_m[:, 2] - before_m[:, 2]).max() < 0.003 and np.abs(after_m[1:] - before_m[1:]).max() < 0.003
    home = cell.carry_out(Goal(Intent.HOME))
    assert home.outcome is Outcome.AT_HOME, home.message
    assert cell.off_home_m() < 0.01
    assert (fastest_rad_s > 0.1).sum() >= 4 and (fastest_rad_s < UR5E.joint_velocity_rad_s).all()
    assert cell.peak_n < Limits().max_force_n


def test_an_arm_of_six_joints_lets_go_of_what_it_holds(six_axis_cell: Cell) -> None:
    cell = six_axis_cell
    first = cell.table.objects[0].name
    assert cell.carry_out(Goal(Intent.GRASP, f"pick up the {first}")).outcome is Outcome.HELD
    assert cell.places_m()[0, 2] > 0.1
    released = cell.carry_out(Goal(Intent.RELEASE))
    assert released.outcome is Outcome.RELEASED, released.message
    cell.rollout.advance(None)
    assert cell.places_m()[0, 2] < 0.05
