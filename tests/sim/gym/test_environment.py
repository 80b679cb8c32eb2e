"""The gymnasium environment keeps gymnasium's contract and is judged as every other policy is."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from autoglm_embodied_sim.gym import ENVIRONMENT, instruction_text
from autoglm_embodied_sim.gym.environment import LONGEST, GraspEnvironment, Observation, observation_spaces
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.language.instruction import instruct, words_for
from autoglm_embodied_sim.policies.primitive_expert import expert_action, observe
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from gymnasium.spaces import unflatten
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv
from gymnasium.wrappers import FlattenObservation

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import CommandError, ConfigError, SetupError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.train.instructions import described, matches
from autoglm_embodied.types import FloatArray

SMALL = {"width": 96, "height": 72}
STILL = np.array([0, 0, 0, 0, 0, 0, 0.08], np.float32)
BAD = (np.nan, np.inf, -np.inf)


@pytest.fixture(scope="module")
def environment() -> Iterator[GraspEnvironment]:
    environment = GraspEnvironment(**SMALL)
    yield environment
    environment.close()


@pytest.fixture(scope="module")
def begun(environment: GraspEnvironment) -> GraspEnvironment:
    environment.reset(seed=0)
    return environment


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
    said = instruction_text(environment.reset(seed=3)[0]["instruction"])
    scene = environment._begun().scene
    reward, terminated, info = finish(environment, lambda: by_expert(environment, scene.target))
    assert (reward, terminated) == (1.0, True)
    assert info["held"] == [scene.objects[scene.target].name]
    assert matches(described(said), [(obj.colour, obj.shape.name) for obj in scene.objects]) == [scene.target]


SPAWN = {"context": "spawn"}  # these tests have drawn by now, and nothing can be drawn in a fork of their process
VECTORS: dict[str, Callable[[], Any]] = {
    "sync": lambda: gymnasium.make_vec(ENVIRONMENT, 2, "sync", **SMALL),
    "async": lambda: gymnasium.make_vec(ENVIRONMENT, 2, "async", vector_kwargs=SPAWN, **SMALL),
    "wrapped": lambda: AsyncVectorEnv([lambda: FlattenObservation(GraspEnvironment(**SMALL))] * 2, context="spawn"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # gymnasium's log of what a worker raised, and again raises
@pytest.mark.parametrize("case", VECTORS)
def test_vector_environments_say_each_instruction_and_refuse_what_is_no_action(
    case: str, environment: GraspEnvironment
) -> None:
    expected = [instruction_text(environment.reset(seed=seed)[0]["instruction"]) for seed in (5, 6)]
    assert expected[0] != expected[1] and all(" the " in text for text in expected)
    vector = VECTORS[case]()
    try:
        for seen in (vector.reset(seed=5)[0], vector.step(np.stack([STILL, STILL]))[0]):
            rows = [unflatten(environment.observation_space, row) for row in seen] if case == "wrapped" else None
            codes = [row["instruction"] for row in rows] if rows else seen["instruction"]
            assert [instruction_text(code) for code in codes] == expected
        with pytest.raises(CommandError, match="must be finite"):
            vector.step(np.full((2, 7), np.nan, np.float32))
    finally:
        vector.close()


@pytest.mark.filterwarnings("ignore::UserWarning")  # gymnasium's log of what a worker raised, and again raises
def test_an_environment_in_a_fork_of_a_process_that_has_drawn_is_refused_before_it_hangs(
    environment: GraspEnvironment,
) -> None:
    environment.reset(seed=0)
    vector = gymnasium.make_vec(ENVIRONMENT, 1, "async", vector_kwargs={"context": "fork"}, **SMALL)
    try:
        with pytest.raises(SetupError, match="start it with spawn"):
            vector.reset(seed=0)
    finally:
        vector.close(terminate=True)


def test_every_instruction_fits_its_space() -> None:
    suite = suite_named("primitives")
    for scene in (sample_grasp_scene(suite, (), seed) for seed in range(60)):
        position_m = np.column_stack([scene.drop_xy_m, np.full(len(scene.objects), 0.02)])
        words = words_for(instruct(suite, scene, position_m, LEARNING_GRAMMAR), scene)
        assert len(words.encode()) <= LONGEST


NO_ACTIONS: dict[str, Any] = {
    **{f"{value} at {axis}": np.where(np.arange(7) == axis, value, STILL) for value in BAD for axis in (0, 6)},
    "too short": STILL[:6],
    "too long": np.append(STILL, 0),
    "a batch": STILL[None],
    "ragged": [[0.0], [0.0, 1.0]],
    "words": ["0.1"] * 7,
    "complex": STILL + 1j,
    "booleans": STILL > 0,
    "nothing": None,
    "objects": [None] * 7,
}


@pytest.mark.parametrize("name", NO_ACTIONS)
def test_what_is_no_action_is_refused_and_nothing_moves(name: str, begun: GraspEnvironment) -> None:
    before = begun._rig.time_ns, begun._rig.data.ctrl.copy(), begun._rig.gripper_command_m
    with pytest.raises(CommandError, match="an action .* must be") as refused:
        begun.step(NO_ACTIONS[name])
    assert "\n" not in str(refused.value)
    after = begun._rig.time_ns, begun._rig.data.ctrl, begun._rig.gripper_command_m
    assert (before[0], before[2]) == (after[0], after[2])
    np.testing.assert_array_equal(before[1], after[1])


@pytest.mark.parametrize("action", [STILL.tolist(), STILL.astype(np.float64), np.zeros(7, np.int64)])
def test_real_numbers_of_any_type_are_an_action(action: Any, begun: GraspEnvironment) -> None:
    before_ns = begun._rig.time_ns
    begun.step(action)
    assert begun._rig.time_ns > before_ns


@pytest.mark.parametrize("size", [(0, 72), (96, -1), (641, 72), (96, 481), (float("nan"), 72), ("96", 72)])
def test_an_image_that_cannot_be_drawn_is_refused(size: Any) -> None:
    with pytest.raises(ConfigError, match="an image must be 1x1 to 640x480 px"):
        GraspEnvironment(*size)


def test_threads_may_take_turns_and_another_one_may_close_it(environment: GraspEnvironment) -> None:
    expected = episode(environment, 5)
    other = GraspEnvironment(**SMALL)
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for pool in (first, second):
            for here, there in zip(expected, pool.submit(episode, other, 5).result(), strict=True):
                assert_same(here, there)
        for here, there in zip(expected, episode(other, 5), strict=True):
            assert_same(here, there)
        second.submit(other.close).result()


def test_two_at_once_do_not_disturb_each_other(environment: GraspEnvironment) -> None:
    expected = episode(environment, 5)
    other = GraspEnvironment(**SMALL)
    with ThreadPoolExecutor(2) as pool:
        mine, _ = pool.submit(episode, environment, 5), pool.submit(episode, other, 6)
        for here, there in zip(expected, mine.result(), strict=True):
            assert_same(here, there)
    other.close()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_begun_environment_is_not_copied_and_a_fresh_one_may_be(
    copied: Callable[[Any], Any], begun: GraspEnvironment
) -> None:
    with pytest.raises(ConfigError, match="cannot be copied or pickled once it was reset"):
        copied(begun)
    copied(GraspEnvironment(**SMALL))


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
    own.write_text("wrench: {timing: {rate_hz: 250.0}, torque_n_m: {bias: 100.0}}\ncolour: {timing: {dropout: 1.0}}\n")
    environment = GraspEnvironment(**SMALL, sensors_file=str(own))
    first = environment.reset(seed=0)[0]
    assert (first["wrench"][:, 3:] == 50.0).all()
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
    six = replace(robot, **per_joint, capsule_links=(), capsules_m=())
    for arm, count in ((robot, 9), (six, 8)):
        spaces = observation_spaces(96, 72, arm)
        assert spaces["joint_position"].shape == spaces["joint_velocity"].shape == (count,)
        assert spaces["joint_position"].high[-1] < 1 < spaces["joint_position"].high[-3]
