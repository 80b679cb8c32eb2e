"""Suites on the arm: the gantry's scenes, the same policies, episodes that follow from their seed."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.eval.episode import Scenario, run_grasp_episode
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.layout import lay_out, rig_named
from autoglm_embodied_sim.robots.object_bodies import WALL_HALF_M
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import SUITES
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot

UR5E = Robot.from_file(shipped("robots/ur5e.yaml"))
BRICKS = [box(0.05, 0.06, 0.06), box(0.06, 0.05, 0.05)]
EASY = SUITES["separated"].eased()
ROLLED_M = 0.04


def test_a_seed_lays_the_same_scene_on_both_rigs() -> None:
    scene = sample_grasp_scene(EASY, BRICKS, 3)
    places = []
    for kind in (Gantry, Arm):
        rig = lay_out(EASY, scene, kind)
        places.append(rig.truth.position_m(rig.data))
        assert np.abs(places[-1][:, :2] - scene.drop_xy_m).max() < ROLLED_M
        assert rig.truth.speed_m_s(rig.data).max() < 0.01
        rig.close()
    assert np.abs(places[0] - places[1]).max() < ROLLED_M


def test_a_pile_lies_between_the_walls_and_they_are_gone_afterwards() -> None:
    suite = SUITES["pile"]
    arm = lay_out(suite, sample_grasp_scene(suite, learning_shapes(Split.VALIDATE, 20), 1), Arm)
    places = arm.truth.position_m(arm.data)
    assert np.median(np.abs(places[:, :2])) < WALL_HALF_M
    assert places[:, 2].max() > places[:, 2].min() + 0.005
    walls = [arm.model.geom(f"wall{index}").id for index in range(4)]
    assert not arm.model.geom_contype[walls].any()
    arm.close()


@pytest.mark.parametrize("robot", [PANDA, UR5E], ids=lambda robot: robot.name)
def test_the_script_holds_an_easy_brick_and_nothing_else(robot: Robot) -> None:
    result = run_grasp_episode(Scenario(EASY, BRICKS, 1, "arm", robot=robot), "script")
    assert result.held and not result.wrong_object


def test_an_episode_on_the_arm_follows_from_its_seed() -> None:
    one, again = (run_grasp_episode(Scenario(SUITES["large"], BRICKS, 4, "arm"), "antipodal") for _ in range(2))
    assert one == again


def test_an_unknown_rig_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="gantry or arm, got 'crane'"):
        rig_named("crane")
