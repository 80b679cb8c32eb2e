"""A baseline as a policy: one observation in and one action out a tick, on no clock but that of the observations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from threading import Event

import numpy as np
import pytest
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.baselines import AntipodalForce
from autoglm_embodied_sim.robots.arm import WORKPLACE
from autoglm_embodied_sim.robots.arm_rig import TABLE_ORIGIN_M
from sim_cases import Laid, laid, primitive

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.grasping.force_feedback import GraspScript, PolicyReport
from autoglm_embodied.grasping.hand import NAMED_LABEL, NOTHING, HandPose, HandRig, View
from autoglm_embodied.grasping.hand_path import REACHED, Tolerance, within
from autoglm_embodied.grasping.scripted_policy import (
    LOOK_TICKS,
    MASK_S,
    NAMED,
    TICK_NS,
    MaskedFrames,
    ScriptedPolicy,
)
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspEpisode, GraspSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.types import (
    ActionChunk,
    ArmState,
    Camera,
    FloatArray,
    ForceFeatures,
    Frame,
    Observation,
    Phase,
    Referent,
    Sense,
)

PANDA = Robot.from_file(shipped("panda.yaml"))
READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785])
WITHIN_S = 30.0
Script = Callable[[HandRig], None]


class Scripted:
    """A baseline of a few lines."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        self._script(rig)
        return PolicyReport(1, 1, True)


def observation(tick: int) -> Observation:
    arm = ArmState(READY_RAD, np.zeros(7), forward_kinematics(PANDA, READY_RAD), 0.08, 0.0)
    return Observation(tick * TICK_NS, Sense(np.zeros((1, 1))), Sense(None), Sense(arm), Sense("pick it up"))


def begun(script: Script, patience_s: float | None = None) -> ScriptedPolicy:
    policy = ScriptedPolicy(partial(Scripted, script), WORKPLACE, patience_s)
    policy.reset("pick it up")
    return policy


def chunks(policy: ScriptedPolicy, first: int, last: int) -> list[ActionChunk]:
    found = [policy.act(observation(tick)) for tick in range(first, last)]
    assert None not in found
    return [chunk for chunk in found if chunk is not None]


class Reading(Scripted):
    """A baseline that reads words, and looks once to find what they mean."""

    def __init__(self, means: Referent, script: Script) -> None:
        super().__init__(script)
        self._means = means

    def find(self, rig: HandRig, words: str, rng: np.random.Generator) -> Referent:
        assert words == "pick it up" and (rig.look().owner == NOTHING).all(), "nobody tells it what the image shows"
        return self._means

    def see(self) -> View:
        """What it names lies 1 m before the camera, to either side of its axis."""
        camera = Camera(9, 9, np.array([[9.0, 0, 4], [0, 9.0, 4], [0, 0, 1]]), np.eye(4))
        return View(Frame(0, np.zeros((9, 9, 3), np.uint8), np.ones((9, 9)), camera), np.full((9, 9), NAMED, np.int16))


def frame(stamp_ns: int) -> Frame:
    camera = Camera(4, 2, np.diag([4.0, 4.0, 1.0]), np.eye(4))
    return Frame(stamp_ns, np.zeros((2, 4, 3), np.uint8), np.ones((2, 4)), camera)


def test_a_script_gives_one_action_an_observation_and_stands_still_while_the_episode_looks() -> None:
    told: list[int] = []

    def script(rig: HandRig) -> None:
        told.append(rig.time_ns)
        rig.move(rig.pose.raised_to(rig.pose.z_m + 0.05))

    policy = begun(script)
    assert not any(chunk.twist.any() for chunk in chunks(policy, 0, LOOK_TICKS))
    assert not told
    moving = chunks(policy, LOOK_TICKS, LOOK_TICKS + 4)
    assert told == [LOOK_TICKS * TICK_NS]
    assert [chunk.t_ns for chunk in moving] == [(LOOK_TICKS + tick) * TICK_NS for tick in range(4)]
    assert moving[-1].twist[0, 2] > 0.001 and moving[-1].phase is Phase.REACH


@pytest.mark.parametrize("means", Referent)
def test_a_script_that_reads_words_says_nothing_until_it_knows_what_they_mean(means: Referent) -> None:
    ran = list[int]()

    def script(rig: HandRig) -> None:
        ran.append(rig.time_ns)
        rig.move(rig.pose.raised_to(rig.pose.z_m + 0.05))

    policy = ScriptedPolicy(partial(Reading, means, script), WORKPLACE)
    policy.reset("pick it up")
    assert [policy.act(observation(tick)) for tick in range(3)] == [None] * 3
    policy.encode(frame(3 * TICK_NS))
    looking = chunks(policy, 3, 3 + LOOK_TICKS)
    assert {chunk.referent for chunk in looking} == {means} and not any(chunk.twist.any() for chunk in looking)
    going_on = chunks(policy, 3 + LOOK_TICKS, 8 + LOOK_TICKS)
    assert any(chunk.twist.any() for chunk in going_on) == bool(ran) == (means is Referent.ONE)
    if means is Referent.ONE:  # a place beside it asks for no more than where it is
        seen_m = WORKPLACE.frame.origin_m + [0.0, 0.0, 1.0]
        np.testing.assert_allclose([chunk.target_m for chunk in looking[1:]], [seen_m] * (LOOK_TICKS - 1), atol=1e-9)


def test_while_a_script_thinks_the_hand_stands_still_and_then_goes_on() -> None:
    go_on, thinks, told = Event(), Event(), list[int]()

    def script(rig: HandRig) -> None:
        thinks.set()
        assert go_on.wait(WITHIN_S)
        rig.wait(TICK_NS / 1e9)
        told.append(rig.time_ns)
        rig.grip(0.0)

    policy = begun(script)
    chunks(policy, 0, LOOK_TICKS)
    policy.patience_s = 0.0
    waiting = chunks(policy, LOOK_TICKS, LOOK_TICKS + 3)
    assert thinks.wait(WITHIN_S)
    assert all(not chunk.twist.any() and chunk.gripper_width_m[0] == 0.08 for chunk in waiting)
    go_on.set()
    policy.patience_s = None
    assert [chunk.phase for chunk in chunks(policy, LOOK_TICKS + 3, LOOK_TICKS + 5)] == [Phase.REACH, Phase.CLOSE]
    assert told == [(LOOK_TICKS + 4) * TICK_NS]  # the present, not what it missed


def test_a_script_that_is_stuck_in_a_motion_does_not_leave_the_hand_moving(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, go_on = Event(), Event()

    def blocked(error: FloatArray, tolerance: Tolerance) -> bool:
        assert not stuck.is_set() or go_on.wait(WITHIN_S)
        return within(error, tolerance)

    monkeypatch.setattr("autoglm_embodied.grasping.scripted_policy.within", blocked)
    policy = begun(lambda rig: rig.move(HandPose(0.1, 0.0, 0.3, 0.0)) and None)
    moving = chunks(policy, 0, LOOK_TICKS + 3)[-1]
    stuck.set()
    policy.patience_s = 0.0
    late = chunks(policy, LOOK_TICKS + 3, LOOK_TICKS + 6)
    go_on.set()
    assert moving.twist.any() and not late[1].twist.any() and not late[2].twist.any()


def test_another_instruction_ends_the_script_of_the_last() -> None:
    ended = Event()

    def script(rig: HandRig) -> None:
        try:
            rig.wait(1e9)
        finally:
            ended.set()

    policy = begun(script)
    chunks(policy, 0, LOOK_TICKS + 2)
    policy.reset("pick up another one")
    assert ended.wait(WITHIN_S)


def test_an_error_in_a_script_is_raised_where_it_acts() -> None:
    def script(rig: HandRig) -> None:
        raise ZeroDivisionError("in the script")

    with pytest.raises(ZeroDivisionError, match="in the script"):
        chunks(begun(script), 0, LOOK_TICKS + 1)


def test_a_script_that_nobody_tells_what_it_sees_says_so() -> None:
    policy, most = begun(lambda rig: rig.look() and None), LOOK_TICKS + round(MASK_S * 1e9 / TICK_NS)
    chunks(policy, 0, most)
    with pytest.raises(SensorError, match="does sim_node run"):
        chunks(policy, most, most + 10)


def test_a_frame_is_looked_at_only_with_its_own_mask_and_not_from_before() -> None:
    images = MaskedFrames(TABLE_ORIGIN_M)
    images.push_frame(frame(10))
    images.push_mask(20, np.zeros((2, 4), np.uint8))
    assert images.since(0) is None
    mask = np.array([[0, NAMED_LABEL, NAMED_LABEL + 1, 0]] * 2, np.uint8)
    images.push_mask(10, mask)
    assert images.since(11) is None
    view = images.since(10)
    assert view is not None and view.frame.stamp_ns == 10
    assert view.owner.tolist() == [[NOTHING, 0, 1, NOTHING]] * 2
    np.testing.assert_array_equal(view.frame.camera.T_base_camera[:3, 3], -TABLE_ORIGIN_M)


@pytest.fixture
def table() -> Iterator[Laid]:
    table = laid((primitive("cube"), 0.5, 0.05), (primitive("cube"), 0.58, -0.1))
    yield table
    table.arm.close()


class Told(ScriptedPolicy):
    """It is told with every sixth frame, as by the simulator's node, which pixels are whose."""

    def __init__(self, table: Laid, baseline: Callable[[], GraspScript]) -> None:
        super().__init__(baseline, WORKPLACE)
        self._table, self._noise, self._frames = table, np.random.default_rng(0), count()

    def encode(self, frame: Frame) -> FloatArray:
        if next(self._frames) % 6 == 0:
            arm = self._table.arm
            owner = arm.eye().view(arm.data, frame.stamp_ns, self._noise).owner
            self.push_mask(frame.stamp_ns, (owner + 1).astype(np.uint8))
        return super().encode(frame)


SHIPPED = Limits()


def run_script(
    table: Laid, baseline: Callable[[], GraspScript], limits: Limits = SHIPPED
) -> tuple[GraspEpisode, float]:
    """A grasp through controller and governor until it is over, and the largest force [N] that was felt."""
    policy = Told(table, baseline)
    pipeline = Pipeline(Aligner(AlignSettings(), partial(forward_kinematics, PANDA)), policy)
    rollout = SimulatedRollout(table.rig, pipeline, limits)
    rollout.settle()
    controller = GraspController(pipeline, GraspSettings(timeout_s=90.0))
    begin: str | None = "pick up the red cube"
    peak_n = 0.0
    while True:
        step = rollout.sense(controller, begin)
        assert step.episode is not None
        begin = None
        force = step.tick.observation.force.value
        peak_n = peak_n if force is None else max(peak_n, float(np.abs(force.raw[:, :3]).max()))
        rollout.advance(step.command)
        if step.episode.over:
            return step.episode, peak_n


def test_an_unchanged_script_holds_an_object_through_controller_and_governor(table: Laid) -> None:
    rest_m = table.arm.truth.position_m(table.arm.data)
    episode, _ = run_script(table, AntipodalForce)
    assert episode.outcome is Outcome.HELD, episode.message
    assert episode.tries == 1
    risen_m = table.arm.truth.position_m(table.arm.data)[:, 2] - rest_m[:, 2]
    assert risen_m[0] > 0.1 and abs(risen_m[1]) < 0.01


def test_the_hand_goes_where_a_script_says_and_stops_at_what_it_feels(table: Laid) -> None:
    arrived: list[tuple[bool, HandPose]] = []
    seconds: list[float] = []

    def script(rig: HandRig) -> None:
        over = HandPose(0.08, -0.1, 0.15, 0.4)
        arrived.append((rig.move(over), rig.pose))
        rig.grip(0.0)
        rig.tare()
        began_ns = rig.time_ns
        arrived.append((rig.move(over.raised_to(0.01), 0.03, guard_n=8.0), rig.pose))
        seconds.append((rig.time_ns - began_ns) / 1e9)

    episode, peak_n = run_script(table, partial(Scripted, script))
    (first, there), (second, touched) = arrived
    assert first and not second
    np.testing.assert_allclose(there.values[:3], [0.08, -0.1, 0.15], atol=REACHED.metres)
    assert there.yaw_rad == pytest.approx(0.4, abs=REACHED.radians)
    assert 0.03 < touched.z_m < 0.045  # on top of a cube of 4 cm
    assert peak_n > 8.0 and seconds[0] < 7.0  # where it touches, not where it is lost three centimetres later
    assert episode.outcome is Outcome.NOT_HELD


def test_a_hand_that_the_governor_slows_down_arrives_later(table: Laid) -> None:
    arrived: list[tuple[bool, float]] = []

    def script(rig: HandRig) -> None:
        began_ns, here = rig.time_ns, rig.pose
        reached = rig.move(here.moved_by(HandPose(0.0, 0.1, -0.05, 0.3)))
        arrived.append((reached, (rig.time_ns - began_ns) / 1e9))

    m_s, rad_s = SHIPPED.max_linear_m_s / 10, SHIPPED.max_angular_rad_s / 10
    tenth = replace(SHIPPED, max_linear_m_s=m_s, max_angular_rad_s=rad_s)
    run_script(table, partial(Scripted, script), tenth)
    ((reached, seconds),) = arrived
    assert reached and 0.11 / m_s < seconds < 15.0


def test_a_wrist_sensor_that_is_mounted_otherwise_is_read_in_the_tool_frame() -> None:
    loads: list[FloatArray | None] = []
    upside_down = np.diag([1.0, -1.0, -1.0])
    policy = ScriptedPolicy(
        partial(Scripted, lambda rig: loads.append(rig.weigh())), WorkArea().workplace(PANDA, upside_down)
    )
    policy.reset("pick it up")
    felt = ForceFeatures(np.tile([1.0, 2.0, -5.0, 0.1, 0.2, 0.3], (64, 1)), np.zeros((4, 5, 6)), 64)
    for tick in range(LOOK_TICKS + 20):
        policy.act(replace(observation(tick), force=Sense(felt)))
    (load,) = loads
    np.testing.assert_allclose(load, [1.0, -2.0, 5.0, 0.1, -0.2, -0.3])


@pytest.mark.parametrize("origin_m", [(0.5, 0.0, 0.0), (0.3, 0.2, -0.1)])
def test_a_script_works_in_the_frame_of_the_table_it_stands_at(origin_m: tuple[float, ...]) -> None:
    poses: list[HandPose] = []
    robot = replace(PANDA, fingertip_m=0.05)
    workplace = WorkArea(origin_m=origin_m, aside_m=(0.0, 0.1, 0.4), set_down_xy_m=(0.1, 0.2)).workplace(robot)
    policy = ScriptedPolicy(partial(Scripted, lambda rig: poses.extend((rig.pose, rig.aside))), workplace)
    policy.reset("pick it up")
    chunks(policy, 0, LOOK_TICKS + 1)
    T_base_tool = forward_kinematics(PANDA, READY_RAD)
    there, aside = poses
    np.testing.assert_allclose(there.values[:3], T_base_tool[:3, 3] + 0.05 * T_base_tool[:3, 2] - origin_m, atol=1e-12)
    assert there.yaw_rad == pytest.approx(np.arctan2(T_base_tool[1, 0], T_base_tool[0, 0]))
    assert aside == HandPose(0.0, 0.1, 0.4, 0.0) and workplace.set_down_poses == (HandPose(0.1, 0.2, 0.05, 0.0),)
