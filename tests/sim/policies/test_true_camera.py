"""The privileged script sees with the camera's true pose; the script itself does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.policies.baselines import TrueCameraRig
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.gantry import Gantry, overhead
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce, SuiteRig
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import Surroundings

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import HandRig, View

BRICK = SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, 0.5)
HAND_EYE_M = np.array([0.02, -0.015, 0.0])
ROOM = Surroundings(camera_offset_m=(0.004, 0.003, -0.005), camera_tilt_rad=(0.01, -0.02, 0.03))


@pytest.fixture(params=[Gantry, Arm])
def rig(request: pytest.FixtureRequest) -> Iterator[SuiteRig]:
    made = request.param([BRICK], HAND_EYE_M, 20.0, seed=0, surroundings=ROOM)
    made.truth.place(made.data, 0, np.array([0.03, 0.02, 0.02]), np.array([1.0, 0, 0, 0]))
    made.wait(0.2)
    yield made
    made.close()


def middle_m(view: View) -> np.ndarray:
    """(2,) of the brick's top, where the view shows it."""
    points = view.points_m()[view.owner == 0]
    return np.asarray(np.median(points[points[:, 2] > 0.035], axis=0)[:2])


def test_only_the_privileged_look_shows_the_brick_where_it_lies(rig: SuiteRig) -> None:
    seen, truth = middle_m(rig.look()), rig.truth.position_m(rig.data)[0, :2]
    np.testing.assert_allclose(middle_m(TrueCameraRig(RigWithoutForce(rig)).look()), truth, atol=0.004)
    np.testing.assert_allclose(seen - truth, HAND_EYE_M[:2], atol=0.004)


def test_it_is_the_pose_that_the_camera_was_given() -> None:
    rig = Gantry([BRICK], HAND_EYE_M, 20.0, seed=0, surroundings=ROOM)
    rig.wait(0.01)
    np.testing.assert_allclose(rig.camera_pose(), overhead(ROOM, np.zeros(3)).T_base_camera, atol=1e-6)


def test_a_hand_that_is_no_simulated_one_cannot_be_told(rig: SuiteRig) -> None:
    class Hand:
        """Of a robot."""

    robot: HandRig = Hand()  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="only the simulator knows, and no topic tells it; use script or scored"):
        TrueCameraRig(robot)
