"""The gymnasium environment keeps gymnasium's contract and is judged as every other policy is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from autoglm_embodied_sim.gym import ENVIRONMENT
from autoglm_embodied_sim.gym.environment import GraspEnvironment, Observation, observation_spaces
from autoglm_embodied_sim.policies.primitive_expert import expert_action, observe
from gymnasium.utils.env_checker import check_env

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.train.instructions import described, matches
from autoglm_embodied.types import FloatArray

SMALL = {"width": 96, "height": 72}
STILL = np.array([0, 0, 0, 0, 0, 0, 0.08], np.float32)


@pytest.fixture(scope="module")
def environment() -> Iterator[GraspEnvironment]:
    environment = GraspEnvironment(**SMALL)
    yield environment
    environment.close()


def by_expert(environment: GraspEnvironment, index: int) -> FloatArray:
    task = environment._begun()
    twist, width_m, _ = expert_action(observe(task.rig, task.scene.objects, index))
    return np.append(twist, width_m).astype(np.float32)


def finish(environment: GraspEnvironment, act: Callable[[], FloatArray]) -> tuple[float, bool, dict[str, Any]]:
    """Reward, termination and info of the last of at most 300 steps."""
    for _ in range(300):
        _, reward, terminated, _, info = environment.step(act())
        if terminated:
            break
    return reward, terminated, info


def episode(environment: GraspEnvironment, seed: int) -> list[Observation]:
    seen = [environment.reset(seed=seed)[0]]
    rng = np.random.default_rng(0)
    for _ in range(8):
        action = (STILL + np.append(rng.normal(0, 0.1, 6), 0)).astype(np.float32)
        seen.append(environment.step(action)[0])
    return seen


def assert_same(first: Observation, second: Observation) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_gymnasium_finds_nothing_to_complain_about() -> None:
    made = gymnasium.make(ENVIRONMENT, **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(made.unwrapped)
    assert made.spec is not None and made.spec.max_episode_steps == 600
    made.close()


def test_a_seed_gives_the_same_episode_to_the_bit_whatever_came_before(environment: GraspEnvironment) -> None:
    first = episode(environment, 5)
    episode(environment, 6)
    again = episode(environment, 5)
    fresh = GraspEnvironment(**SMALL)
    anew = episode(fresh, 5)
    fresh.close()
    for one, two, three in zip(first, again, anew, strict=True):
        assert_same(one, two)
        assert_same(one, three)


def test_seeds_differ(environment: GraspEnvironment) -> None:
    one, two = (environment.reset(seed=seed)[0] for seed in (1, 2))
    assert not np.array_equal(one["rgb"], two["rgb"])


def test_the_named_object_lifted_is_rewarded_and_ends_the_episode(environment: GraspEnvironment) -> None:
    said = environment.reset(seed=3)[0]["instruction"]
    scene = environment._begun().scene
    reward, terminated, info = finish(environment, lambda: by_expert(environment, scene.target))
    assert (reward, terminated) == (1.0, True)
    assert info["held"] == [scene.objects[scene.target].name]
    assert matches(described(said), [(obj.colour, obj.shape.name) for obj in scene.objects]) == [scene.target]


def test_another_object_lifted_ends_the_episode_without_reward(environment: GraspEnvironment) -> None:
    environment.reset(seed=3)
    scene = environment._begun().scene
    other = (scene.target + 1) % 3
    reward, terminated, info = finish(environment, lambda: by_expert(environment, other))
    assert (reward, terminated) == (0.0, True)
    assert info["held"] == [scene.objects[other].name]


def test_standing_still_goes_on_without_reward(environment: GraspEnvironment) -> None:
    environment.reset(seed=3)
    reward, terminated, info = finish(environment, lambda: STILL)
    assert (reward, terminated, info) == (0.0, False, {})


def test_an_action_moves_the_tool_in_the_base_frame(environment: GraspEnvironment) -> None:
    environment.reset(seed=4)
    before = environment._rig.T_base_tool()[:3, 3]
    for _ in range(30):
        environment.step(np.array([0, 0.1, 0, 0, 0, 0, 0.08], np.float32))
    moved = environment._rig.T_base_tool()[:3, 3] - before
    np.testing.assert_allclose(moved, [0, 0.099, 0], atol=0.004)


def test_observations_follow_the_sensors_of_a_file(tmp_path: Path) -> None:
    own = tmp_path / "sensors.yaml"
    own.write_text("wrench: {timing: {rate_hz: 250.0}, force_n: {bias: 700.0}}\ncolour: {timing: {dropout: 1.0}}\n")
    environment = GraspEnvironment(**SMALL, sensors_file=str(own))
    first = environment.reset(seed=0)[0]
    assert (first["wrench"][:, :3] == 500.0).all()
    for _ in range(20):
        last = environment.step(np.array([0.1, 0, -0.1, 0, 0, 0, 0.0], np.float32))[0]
    np.testing.assert_array_equal(last["rgb"], first["rgb"])
    assert not np.array_equal(last["depth_m"], first["depth_m"])
    environment.close()


def test_a_silent_wrist_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "sensors.yaml"
    own.write_text("wrench: {timing: {dropout: 1.0}}\n")
    environment = GraspEnvironment(**SMALL, sensors_file=str(own))
    with pytest.raises(ConfigError, match="too few samples"):
        environment.reset(seed=0)
    environment.close()


def test_a_step_before_the_first_reset_is_refused() -> None:
    environment = GraspEnvironment(**SMALL)
    with pytest.raises(ConfigError, match="call reset first"):
        environment.step(STILL)
    environment.close()


def test_the_joints_of_the_spaces_are_those_of_the_robot() -> None:
    robot = Robot.from_file(shipped("panda.yaml"))
    per_joint = {name: value[:6] for name, value in vars(robot).items() if isinstance(value, tuple) and len(value) == 7}
    six = replace(robot, **per_joint)
    for arm, count in ((robot, 9), (six, 8)):
        spaces = observation_spaces(96, 72, arm)
        assert spaces["joint_position"].shape == spaces["joint_velocity"].shape == (count,)
        assert spaces["joint_position"].high[-1] < 1 < spaces["joint_position"].high[-3]
