"""Episodes: judged by what hangs in the air, the same whoever runs them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.eval.episode import Scenario, run_grasp_episode
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.policies.baselines import BASELINES, Pca, baseline_named
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import SUITES

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import HandPose

BRICKS = [box(0.05, 0.06, 0.06), box(0.06, 0.05, 0.05)]
EASY = SUITES["separated"].eased()
UPRIGHT = np.array([1.0, 0, 0, 0])


@pytest.mark.parametrize("policy", BASELINES)
def test_every_baseline_picks_up_an_easy_brick(policy: str) -> None:
    results = [run_grasp_episode(Scenario(EASY, BRICKS, seed), policy) for seed in (0, 1)]
    assert sum(result.held for result in results) >= (1 if policy == "random" else 2)
    assert not any(result.wrong_object for result in results)
    assert all(result.approaches >= 1 and result.seconds > 1 for result in results)


def test_an_episode_follows_from_its_seed() -> None:
    scenario = Scenario(EASY, BRICKS, 5)
    assert run_grasp_episode(scenario, "script") == run_grasp_episode(scenario, "script")


def test_every_policy_meets_the_same_scene_and_the_same_sentence() -> None:
    suite, seen = SUITES["language"], []
    for policy in ("pca", "random"):
        results = [run_grasp_episode(Scenario(suite, BRICKS, seed), policy) for seed in (0, 1, 2)]
        seen.append([(result.target, result.instruction, result.kind) for result in results])
    assert seen[0] == seen[1] and len({sentence for _, sentence, _ in seen[0]}) == 3


def test_whoever_takes_another_object_than_the_one_meant_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    suite, take = replace(SUITES["language"].eased(), refusals=0.0), Pca.run
    monkeypatch.setattr(Pca, "run", lambda self, rig, target, rng: take(self, rig, (target + 1) % suite.objects, rng))
    results = [run_grasp_episode(Scenario(suite, BRICKS, seed), "pca") for seed in (0, 1)]
    assert not any(result.held for result in results) and any(result.wrong_object for result in results)


def test_nothing_is_done_where_an_instruction_fits_none_or_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pca, "run", None)
    suite = replace(SUITES["language"], refusals=1.0)
    results = [run_grasp_episode(Scenario(suite, BRICKS, seed), "pca") for seed in range(6)]
    assert {result.kind for result in results} == {"none", "many"}
    assert not any(result.held or result.tries or result.target for result in results)
    assert all(result.instruction for result in results)


def judged(friction: float, close: bool) -> tuple[int, ...]:
    objects = [
        SceneObject(box(0.04, 0.03, 0.04), "red", (1, 0, 0), 0.5, friction),
        SceneObject(BRICKS[0], "blue", (0, 0, 1), 0.2, 0.5),
    ]
    rig = Gantry(objects, np.zeros(3), 20.0, seed=0)
    rig.truth.place(rig.data, 0, np.array([0, 0, 0.02]), UPRIGHT)
    rig.truth.place(rig.data, 1, np.array([0.15, 0, 0.03]), UPRIGHT)
    rig.wait(0.3)
    rest = rig.truth.position_m(rig.data)[:, 2]
    rig.move(HandPose(0, 0, 0.1, 0))
    rig.move(HandPose(0, 0, 0.01, 0))
    if close:
        rig.grip(0)
    return judge(rig, rest).held


def test_the_trial_lifts_and_sees_what_is_held() -> None:
    assert judged(friction=0.5, close=True) == (0,)
    assert judged(friction=0.5, close=False) == ()
    assert judged(friction=0.05, close=True) == ()


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="random, pca, antipodal, antipodal_force, script"):
        baseline_named("luck")
