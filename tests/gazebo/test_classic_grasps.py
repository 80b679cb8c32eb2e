"""The shipped policy, through the nodes, in a simulator that it has never seen; Gazebo itself says what it holds."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult
from autoglm_embodied_sim.eval.metrics import add_success
from autoglm_embodied_sim.gazebo.world import resting_m
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.language.instruction import instruct, words_for
from autoglm_embodied_sim.robots.arm_rig import TABLE_ORIGIN_M
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from gazebo_graph import GazeboGraph, gazebo_graph, require_pace
from gazebo_server import why_not

from autoglm_embodied.graph.launch import not_ready_reasons, parameters
from autoglm_embodied.metrics import Report

if TYPE_CHECKING:
    from gazebo_judge import GazeboJudge

    from autoglm_embodied.nodes.observer_node import Observer
    from autoglm_embodied.ros.arm_actions import GraspClient

pytestmark = [
    pytest.mark.gazebo,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated"),  # rclpy's parser
    pytest.mark.timeout(900),
]
SUITE = suite_named("primitives")
CASE = "primitives/learned/gazebo_classic"
FIGURES = Path(__file__).resolve().parents[2] / "out" / "gazebo.json"
FIRST_SEED, EPISODES = 20_000, 20
HOUR_NS = 3_600_000_000_000
NODES = {
    "servo_node": [],
    "governor_node": parameters(use_sim_time=True, **{"limits.wrench_stuck_ns": HOUR_NS}),  # its wrench has no noise
    "fusion_node": parameters(use_sim_time=True),
}
GRASP_S, READY_S = 60.0, 90.0
LEAST_HELD = 15


def test_the_shipped_policy_grasps_what_is_named(tmp_path: Path) -> None:
    report = Report("make test-gazebo", FIRST_SEED, time.time_ns())
    results = []
    with gazebo_graph(scene(FIRST_SEED), NODES, tmp_path) as graph:
        from gazebo_judge import GazeboJudge

        from autoglm_embodied.nodes.observer_node import Observer
        from autoglm_embodied.ros.arm_actions import GraspClient

        with (
            Observer(graph.domain, sensors=False) as observer,
            GraspClient(graph.domain) as client,
            GazeboJudge(graph) as judge,
        ):
            await_readiness(graph, observer)
            began_s, began_sim_s = time.monotonic(), graph.watch.time_s
            for seed in range(FIRST_SEED, FIRST_SEED + EPISODES):
                go_home(graph, observer)
                graph.lay_out(scene(seed))
                results.append(episode(graph, client, judge, seed))
                print(results[-1], flush=True)
                pace = (graph.watch.time_s - began_sim_s) / (time.monotonic() - began_s)
                require_pace(pace)
    add_success(report, CASE, results)
    report.add("sim.realtime_factor", pace, "s/s", case="gazebo_classic")
    show(report)
    assert all(ended.clean for ended in graph.ended), graph.ended
    assert sum(result.held for result in results) >= LEAST_HELD


def await_readiness(graph: GazeboGraph, observer: Observer) -> None:
    ready = partial(not_ready_reasons, nodes=("governor_node", "fusion_node"))
    come = observer.wait_for(lambda observed: not ready(observed), READY_S, graph.check)
    assert come, ready(observer.recording)


def show(report: Report) -> None:
    """Both forms of the figures, and the file of `make test-gazebo`."""
    now_ns = time.time_ns()
    report.print_table()
    print(json.dumps(report.as_json(now_ns)))
    report.write_json(FIGURES, now_ns)


def scene(seed: int) -> GraspScene:
    return sample_grasp_scene(SUITE, (), seed)


def go_home(graph: GazeboGraph, observer: Observer) -> None:
    """Let go of what is in the hand and move to where an episode begins."""
    observer.call("servo_node/home", READY_S, graph.check)
    graph.watch.await_home()


def episode(graph: GazeboGraph, client: GraspClient, judge: GazeboJudge, seed: int) -> GraspResult:
    objects, target = graph.scene.objects, graph.scene.target
    rest_m = np.array([resting_m(graph.scene, index) for index in range(len(objects))]) - TABLE_ORIGIN_M
    instruction = instruct(SUITE, graph.scene, rest_m, LEARNING_GRAMMAR)
    sentence = words_for(instruction, graph.scene)
    rest_height_m, began_ns = judge.position_m(None)[:, 2], time.monotonic_ns()
    end = client.grasp(sentence, GRASP_S, graph.check)
    seconds = (time.monotonic_ns() - began_ns) / 1e9
    verdict = judge.verdict(rest_height_m)
    return GraspResult(
        suite=SUITE.name,
        policy=LEARNED,
        seed=seed,
        target=objects[target].name,
        held=verdict.success(target),
        wrong_object=verdict.wrong_object(target),
        approaches=end.tries,
        tries=end.tries,
        confident=end.outcome == "held",
        seconds=seconds,
        instruction=sentence,
        kind="one",
    )
