"""The arm: it goes where it is told within its reach, feels, weighs, sees, and has the gantry's objects on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.objects.random_urdfs import learning_shape
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.arm import ASIDE, Arm
from autoglm_embodied_sim.robots.arm_rig import TABLE_ORIGIN_M
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.hand_rig import SuiteRig
from autoglm_embodied_sim.scenes.scene_object import SceneObject

from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.grasping.height_map import HALF_M, height_map
from autoglm_embodied.types import FloatArray

UPRIGHT = np.array([1.0, 0, 0, 0])
OFFSET_M = np.array([0.004, -0.003, 0.005])
Lay = Callable[..., Arm]


def brick(mass_kg: float = 0.3) -> SceneObject:
    return SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), mass_kg, 0.5)


def laid(
    kind: type[Arm] | type[Gantry], obj: SceneObject, xy_m: tuple[float, float], hand_eye_m: FloatArray
) -> SuiteRig:
    rig = kind([obj], hand_eye_m, 20.0, 0)
    rig.truth.place(rig.data, 0, np.array([*xy_m, 0.02]), UPRIGHT)
    rig.wait(0.2)
    return rig


@pytest.fixture
def lay() -> Iterator[Lay]:
    """Makes arms with one brick of 40 x 30 x 40 mm at the origin of the table."""
    rigs = []

    def made(mass_kg: float = 0.3) -> Arm:
        rigs.append(laid(Arm, brick(mass_kg), (0.0, 0.0), np.zeros(3)))
        assert isinstance(rigs[-1], Arm)
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.close()


@pytest.fixture(scope="module")
def empty() -> Iterator[Arm]:
    arm = Arm([], np.zeros(3), 20.0, seed=0)
    yield arm
    arm.close()


def true_tip(arm: Arm) -> tuple[FloatArray, FloatArray]:
    """Where the tips are in the table frame (3,), and which way the tool's z axis points (3,)."""
    mujoco.mj_kinematics(arm.model, arm.data)
    site = arm.model.site("tool").id
    pointing = arm.data.site_xmat[site].reshape(3, 3)[:, 2]
    return arm.data.site_xpos[site] + arm.robot.fingertip_m * pointing - TABLE_ORIGIN_M, pointing


@pytest.mark.parametrize("x_m", [-0.2, 0.0, 0.18])
@pytest.mark.parametrize("y_m", [-0.2, 0.05, 0.2])
def test_the_hand_arrives_all_over_the_table_within_a_millimetre(empty: Arm, x_m: float, y_m: float) -> None:
    for yaw_rad in (-1.5, 0.4, 1.5):
        over = HandPose(x_m, y_m, 0.2, yaw_rad)
        assert empty.move(over) and empty.move(over.raised_to(0.01), 0.15)
        tip_m, pointing = true_tip(empty)
        np.testing.assert_allclose(tip_m, [x_m, y_m, 0.01], atol=1e-3)
        assert pointing[2] < -0.99999
        np.testing.assert_allclose(empty.pose.values, [*tip_m, yaw_rad], atol=2e-3)
        assert empty.move(over)


def test_a_pose_out_of_reach_is_refused_and_the_arm_still_works(empty: Arm) -> None:
    empty.move(ASIDE)
    for beyond in (HandPose(0.6, 0.0, 0.2, 0.0), HandPose(-0.5, 0.0, 0.05, 0.0), HandPose(0.0, 0.0, 0.2, 4.0)):
        before_ns = empty.time_ns
        assert not empty.move(beyond)
        assert empty.time_ns - before_ns < 8e9
        assert empty.move(ASIDE)
    low, high = empty.model.jnt_range[:7].T
    assert ((empty.data.qpos[:7] > low) & (empty.data.qpos[:7] < high)).all()


def test_what_is_in_the_way_can_be_laid_down_everywhere_it_should(empty: Arm) -> None:
    for dump in empty.set_down_poses:
        assert empty.move(empty.aside) and empty.move(dump)
        assert abs(dump.y_m) > HALF_M


def test_a_guarded_move_stops_on_the_table(empty: Arm) -> None:
    empty.move(HandPose(0.05, 0.1, 0.1, 0.3))
    empty.tare()
    assert not empty.move(HandPose(0.05, 0.1, -0.05, 0.3), 0.12, guard_n=8.0)
    assert abs(empty.pose.z_m) < 0.002
    empty.move(empty.pose.raised_to(0.1))
    assert empty.move(HandPose(-0.05, -0.1, 0.1, -0.3), guard_n=8.0)  # nothing there to be felt


@pytest.mark.parametrize("mass_kg", [0.1, 0.6])
def test_the_wrist_weighs_what_was_lifted(lay: Lay, mass_kg: float) -> None:
    arm = lay(mass_kg)
    arm.move(HandPose(0, 0, 0.12, 0))
    arm.tare()
    arm.move(HandPose(0, 0, 0.008, 0))
    assert arm.grip(0) == pytest.approx(0.03, abs=0.002)
    arm.move(HandPose(0, 0, 0.12, 0))
    assert arm.weigh()[2] == pytest.approx(9.81 * mass_kg, abs=0.15)
    assert arm.truth.position_m(arm.data)[0, 2] > 0.12


def test_both_rigs_carry_the_same_object() -> None:
    obj = SceneObject(learning_shape(801).scaled(0.6), "blue", (0.1, 0.2, 0.8), 0.37, 0.31)
    rigs = [kind([obj], np.zeros(3), 20.0, 0) for kind in (Gantry, Arm)]
    for reading in (
        lambda model, body, geoms: model.body_mass[body],
        lambda model, body, geoms: model.body_inertia[body],
        lambda model, body, geoms: model.geom_friction[geoms],
        lambda model, body, geoms: model.geom_solref[geoms],
        lambda model, body, geoms: model.geom_priority[geoms],
    ):
        values = []
        for rig in rigs:
            body = rig.model.body("object0").id
            values.append(reading(rig.model, body, rig.model.geom_bodyid == body))
        np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("kind", [Gantry, Arm])
def test_the_camera_sees_an_object_where_it_believes_itself_to_be(kind: type[Arm] | type[Gantry]) -> None:
    rig = laid(kind, brick(), (0.1, -0.12), OFFSET_M)
    view = rig.look()
    points = view.points_m()[view.owner == 0]
    top = points[points[:, 2] > 0.038 + OFFSET_M[2]]
    np.testing.assert_allclose(np.nanmedian(top, axis=0), OFFSET_M + [0.1, -0.12, 0.04], atol=0.0025)
    rig.close()


def test_aside_the_arm_hides_nothing_of_the_table(lay: Lay) -> None:
    heights = height_map(lay().look())
    assert (heights.owner == 0).sum() > 100
    elsewhere = heights.height_m[heights.owner == -1]
    assert np.quantile(np.abs(elsewhere), 0.999) < 0.004
    assert heights.height_m.max() < 0.05
