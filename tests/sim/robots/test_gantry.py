"""The gantry: it goes where it is told, weighs what it lifts, stops at what it feels, and does not let slip."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from autoglm_embodied_sim.collect.step_recorder import Recorder
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.gantry import Gantry, overhead
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN

from autoglm_embodied.errors import CommandError, ConfigError
from autoglm_embodied.grasping.hand import HandPose

UPRIGHT = np.array([1.0, 0, 0, 0])
Lay = Callable[..., Gantry]


@pytest.fixture
def lay() -> Iterator[Lay]:
    """Makes gantries with one brick of 40 x 30 x 40 mm at the origin."""
    rigs = []

    def made(mass_kg: float = 0.3, friction: float = 0.5, grip_n: float = 20.0, hand_eye_m: float = 0.0) -> Gantry:
        brick = SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), mass_kg, friction)
        rigs.append(Gantry([brick], np.full(3, hand_eye_m), grip_n, seed=0))
        rigs[-1].truth.place(rigs[-1].data, 0, np.array([0, 0, 0.02]), UPRIGHT)
        rigs[-1].wait(0.2)
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.close()


def pick(rig: Gantry) -> None:
    """Grasp the brick across its 30 mm and lift it."""
    rig.move(HandPose(0, 0, 0.12, 0))
    rig.tare()
    rig.move(HandPose(0, 0, 0.008, 0))
    rig.grip(0)
    rig.move(HandPose(0, 0, 0.12, 0))


def test_the_hand_arrives_where_it_was_sent(lay: Lay) -> None:
    rig = lay()
    goal = HandPose(-0.1, 0.05, 0.1, 0.7)
    assert rig.move(goal)
    rig.wait(0.2)
    np.testing.assert_allclose(rig.pose.values, goal.values, atol=1e-3)


@pytest.mark.parametrize("mass_kg", [0.1, 0.6])
def test_the_wrist_weighs_what_was_lifted(lay: Lay, mass_kg: float) -> None:
    rig = lay(mass_kg)
    pick(rig)
    assert rig.width_m == pytest.approx(0.03, abs=0.002)
    assert rig.weigh()[2] == pytest.approx(9.81 * mass_kg, abs=0.1)


def test_a_firm_grip_does_not_creep_in_ten_seconds(lay: Lay) -> None:
    rig = lay()
    pick(rig)
    rig.wait(0.3)
    before = rig.truth.position_m(rig.data)[0, 2]
    rig.wait(10.0)
    assert before - rig.truth.position_m(rig.data)[0, 2] < 1e-5  # soft friction alone: 0.09 mm


def test_friction_and_grip_decide_what_can_be_lifted(lay: Lay) -> None:
    lost, kept = lay(0.6, 0.25, grip_n=8.0), lay(0.6, 0.25, grip_n=20.0)  # 4 N and 10 N of friction for 5.9 N
    for rig in (lost, kept):
        pick(rig)
    assert lost.truth.position_m(lost.data)[0, 2] < 0.03 < 0.1 < kept.truth.position_m(kept.data)[0, 2]


def test_a_guarded_move_stops_at_what_it_touches(lay: Lay) -> None:
    rig = lay()
    rig.move(HandPose(0.0, -0.04, 0.1, 0))
    rig.tare()
    assert not rig.move(HandPose(0.0, -0.04, 0.01, 0), 0.1, guard_n=8.0)
    assert rig.pose.z_m == pytest.approx(0.04, abs=0.003)


def test_the_camera_sees_the_object_where_it_believes_itself_to_be(lay: Lay) -> None:
    rig = lay(hand_eye_m=0.005)
    view = rig.look()
    points = view.points_m()[view.owner == 0]
    top = points[points[:, 2] > 0.03]
    np.testing.assert_allclose(np.nanmean(top, axis=0), [0.005, 0.005, 0.045], atol=0.0015)
    assert (view.owner[:50] == -1).all()


def test_impossible_objects_are_refused() -> None:
    with pytest.raises(ConfigError, match="above 0"):
        SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.0, 0.5)


def test_a_twin_is_free_to_move(lay: Lay) -> None:
    rig = lay()
    before, twin = rig.data.qpos.copy(), rig.twin()
    pick(twin)
    assert twin.truth.position_m(twin.data)[0, 2] > 0.1
    np.testing.assert_array_equal(rig.data.qpos, before)


def test_a_restored_state_goes_on_as_it_did(lay: Lay) -> None:
    rig = lay()
    rig.move(HandPose(0, 0, 0.1, 0))
    state, ends = rig.state(), []
    for _ in range(2):
        rig.restore(state)
        rig.move(HandPose(0, 0, 0.008, 0))
        rig.grip(0)
        ends.append((rig.time_ns, rig.data.qpos.copy()))
    assert ends[0][0] == ends[1][0]
    np.testing.assert_array_equal(ends[0][1], ends[1][1])


def test_a_recorder_keeps_the_readings_that_were_acted_upon(lay: Lay) -> None:
    rig = lay()
    recorder, felt = Recorder(rig), []
    for _ in range(5):
        rig.wait(0.002)
        felt.append(rig.wrench() + rig.tared)
    rig.move(HandPose(0, 0, 0.1, 0))
    steps = recorder.stop()
    rig.wait(0.1)
    np.testing.assert_allclose(steps.wrench[:5], felt, atol=1e-9)
    assert (np.diff(steps.stamp_ns) == 2_000_000).all() and len(recorder.frames) == 0
    np.testing.assert_allclose(steps.commanded_pose[-1], [0, 0, 0.1, 0], atol=1e-9)
    assert len(steps.stamp_ns) == len(steps.pose) and abs(steps.pose[-1, 2] - 0.1) < 0.005


def test_a_small_image_shows_every_fifth_pixel_of_a_large_one(lay: Lay) -> None:
    rig = lay()
    large = rig.eye().view(rig.data, 0, np.random.default_rng(0))
    small = rig.eye().view(rig.data, 0, np.random.default_rng(0), overhead(PLAIN, np.zeros(3), 96))
    same = (small.owner == large.owner[2::5, 2::5]).mean()
    assert same > 0.999
    np.testing.assert_allclose(small.frame.rgb, large.frame.rgb[2::5, 2::5], atol=60)
    assert np.abs(small.frame.rgb.astype(int) - large.frame.rgb[2::5, 2::5]).mean() < 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_no_command_are_refused_and_the_hand_stays(lay: Lay, bad: float) -> None:
    rig = lay()
    before = rig.data.ctrl.copy()
    for command in (
        lambda: rig.move(HandPose(0.0, 0.0, bad, 0.0)),
        lambda: rig.move(rig.aside, speed_m_s=bad),
        lambda: rig.move(rig.aside, guard_n=np.nan),
        lambda: rig.grip(bad),
        lambda: rig.drive(np.full(6, bad), 0.1),
        lambda: rig.drive(np.zeros(4), 0.1),
    ):
        with pytest.raises(CommandError, match="nothing was moved"):
            command()
    np.testing.assert_array_equal(rig.data.ctrl, before)
