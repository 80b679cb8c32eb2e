"""Each alteration reaches what the policy is told, and neither the judge nor the peak force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.eval.altered_senses import DROPPED, SHUFFLED, SWAPPED_FORCE, Alteration, AlteredSenses
from autoglm_embodied_sim.eval.episode import Scenario, attempt_and_judge
from autoglm_embodied_sim.eval.policies import MOST_OTHERS, run_suite_episode
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.policies.baselines import BASELINES
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import SUITES
from autoglm_embodied_sim.sensors.object_camera import View

from autoglm_embodied.errors import SensorError
from autoglm_embodied.grasping.force_feedback import PolicyReport
from autoglm_embodied.grasping.hand import HandPose, HandRig
from autoglm_embodied.grasping.named import Named
from autoglm_embodied.types import FloatArray, Referent

BRICKS = [box(0.05, 0.06, 0.06), box(0.06, 0.05, 0.05)]
SCENARIO = Scenario(SUITES["weak_grip"].eased(), BRICKS, 5)
ABOVE, BELOW = HandPose(0.0, 0.1, 0.02, 0.0), HandPose(0.0, 0.1, -0.004, 0.0)
COUNTED = [np.full(6, float(step)) for step in range(7)]
RAMP = [np.full(6, 0.1 * step) for step in range(10_000)]


@pytest.fixture
def rig() -> Iterator[Gantry]:
    rig = Gantry([SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, 0.5)], np.zeros(3), 20.0, seed=0)
    rig.truth.place(rig.data, 0, np.array([0, 0, 0.02]), np.array([1.0, 0, 0, 0]))
    rig.park(ABOVE)
    rig.wait(0.1)
    yield rig
    rig.close()


class Spy:
    """Comes down on the table, and keeps what it was told."""

    def __init__(self) -> None:
        self.loads: list[FloatArray | None] = []
        self.views: list[View] = []

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        self.views.append(rig.look())
        self.loads.append(rig.weigh())
        self.arrived = rig.move(BELOW, 0.1, guard_n=20.0)
        self.loads.append(rig.weigh())
        self.views.append(rig.look())
        return PolicyReport(1, 1, True)


def told(rig: Gantry, *altered: Alteration) -> Spy:
    """What a spy was told whose senses are altered; the peak force is what really acted, told or not."""
    spy = Spy()
    attempt = attempt_and_judge(rig, spy, 0, np.random.default_rng(0), AlteredSenses(altered, swapped=RAMP))
    assert rig.told is None and attempt.peak_force_n is not None
    assert (attempt.peak_force_n > 20) == (SWAPPED_FORCE not in altered), "the ramp stops it above the table"
    return spy


def test_unaltered_a_policy_feels_the_table_and_sees_what_is(rig: Gantry) -> None:
    spy = told(rig)
    free, pressed = (np.asarray(load) for load in spy.loads)
    assert not spy.arrived and np.linalg.norm(free[:3]) < 12 < np.linalg.norm(pressed[:3] - free[:3])
    assert spy.views[0].frame.stamp_ns < spy.views[1].frame.stamp_ns


def test_zeroed_force_is_zero_and_stops_no_motion(rig: Gantry) -> None:
    spy = told(rig, Alteration("force", "zeroed"))
    assert spy.arrived and not np.any(spy.loads)


def test_frozen_force_stays_what_it_was_first(rig: Gantry) -> None:
    spy = told(rig, Alteration("force", "frozen"))
    assert spy.arrived and np.any(spy.loads[0])
    np.testing.assert_array_equal(*spy.loads)


def test_swapped_force_is_that_of_the_same_step_and_stops_motions(rig: Gantry) -> None:
    spy = told(rig, SWAPPED_FORCE)
    assert not spy.arrived
    np.testing.assert_allclose(spy.loads[0], np.full(6, 0.1 * (80 + 12)), err_msg="25 readings after 80 steps of rest")


def test_missing_force_is_not_told(rig: Gantry) -> None:
    spy = told(rig, Alteration("force", "without"))
    assert spy.arrived and spy.loads == [None, None]


def test_a_frozen_camera_goes_on_to_show_its_first_image(rig: Gantry) -> None:
    spy = told(rig, Alteration("vision", "frozen"))
    assert spy.views[0] is spy.views[1] and not spy.arrived


def test_a_recording_is_told_step_by_step_and_again_from_its_beginning(rig: Gantry) -> None:
    rig.told, said = AlteredSenses([SWAPPED_FORCE], swapped=COUNTED).wrist_of(rig), []
    for _ in range(16):
        rig.wait(rig.tick_s)
        said.append(rig.wrench()[0])
    assert said == [step % 7 for step in range(16)]
    assert rig.twin().told is None  # a rehearsal of the expert has a wrist of its own


def test_the_arm_weighs_and_stops_by_what_is_told() -> None:
    arm = Arm([], np.zeros(3), 20.0, seed=0)
    try:
        arm.told = AlteredSenses([Alteration("force", "zeroed")]).wrist_of(arm)
        assert not np.any(arm.weigh())
        arm.told = AlteredSenses([SWAPPED_FORCE], swapped=RAMP).wrist_of(arm)
        assert not arm.move(arm.pose.raised_to(arm.pose.z_m - 0.05), 0.1, guard_n=8.0)
    finally:
        arm.close()


def test_swapped_force_was_felt_in_another_episode_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two episodes drives the hand into the table; the second stands still, and is told that."""
    loads: list[FloatArray] = []

    def run(self: object, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        way = rig.pose.raised_to(-0.01)
        rig.move(rig.pose if loads else way)
        rig.wait(2.0 - (0.002 if loads else 1.875 * (rig.aside.z_m + 0.01) / 0.35))
        loads.append(np.array(rig.weigh()))
        return PolicyReport(1, 1, True)

    monkeypatch.setattr(BASELINES["pca"], "run", run)
    results = [run_suite_episode(SCENARIO, "pca", None, (SWAPPED_FORCE,), None) for _ in range(2)]
    pressed, instead, *again = loads
    assert np.linalg.norm(pressed[:3]) > 10
    np.testing.assert_allclose(instead, pressed, atol=0.3)  # it is recorded without the sensor's noise
    assert again and results[0].seed == results[1].seed == SCENARIO.seed


def heard(monkeypatch: pytest.MonkeyPatch, means: Referent = Referent.NONE) -> list[str]:
    """The words that the policy named is told; it finds that they mean so many."""
    words_told: list[str] = []

    def find(self: Named, rig: HandRig, words: str, rng: np.random.Generator) -> Referent:
        words_told.append(words)
        return means

    monkeypatch.setattr(Named, "find", find)
    return words_told


def test_where_a_policy_never_acts_no_force_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    words = heard(monkeypatch)
    with pytest.raises(SensorError, match=f"named did nothing in {MOST_OTHERS} other episodes"):
        run_suite_episode(SCENARIO, "named", None, (SWAPPED_FORCE,), None)
    assert len(words) == MOST_OTHERS


def test_a_shuffled_instruction_is_another_episodes_and_judged_by_the_own_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = heard(monkeypatch)
    scenario = replace(SCENARIO, suite=replace(SUITES["separated"], objects=3))
    plain, *shuffled = (run_suite_episode(scenario, "named", None, how, None) for how in ((), (SHUFFLED,), (SHUFFLED,)))
    other = scenario.other().lay_out()
    other.rig.close()
    assert scenario.other().seed not in (scenario.seed, scenario.other(1).seed)
    assert words == [plain.instruction, other.words, other.words] and plain.instruction != other.words
    assert shuffled == 2 * [replace(plain, instruction=other.words)]


def test_without_an_instruction_named_refuses_and_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Named, "run", None)  # nothing else moves the hand
    result = run_suite_episode(SCENARIO, "named", None, (DROPPED,), None)
    assert (result.instruction, result.refused, result.seconds, result.approaches) == ("", True, 0.0, 0)
