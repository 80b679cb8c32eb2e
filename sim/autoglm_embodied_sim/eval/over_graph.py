"""The suites through the real nodes over DDS, in real time; the simulator lays out and judges."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from autoglm_embodied.errors import SensorError, SetupError
from autoglm_embodied.graph.launch import GraphExit, not_ready_reasons, parameters, run_graph
from autoglm_embodied.policy.goal import REFUSAL_WORDS
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult, nothing_to_grasp
from autoglm_embodied_sim.judge import Verdict
from autoglm_embodied_sim.policies.baselines import READING

if TYPE_CHECKING:
    from autoglm_embodied.graph.processes import Processes
    from autoglm_embodied.graph_recording import FusionTick, NodeStatus
    from autoglm_embodied.nodes.observer_node import Observer
    from autoglm_embodied.ros.arm_actions import GraspClient

HELD = "held"
READY_S, SERVICE_S = 90.0, 30.0
TICK_HZ = 30.0  # of fusion_node, unless it is told otherwise
SCRIPT_S = 240.0  # three tries of three descents each, and neighbours taken away in between
SCRIPT_CLOSINGS = 7  # of the fingers, on the object or on a neighbour


@dataclass(frozen=True)
class Graph:
    """Simulator, governor and fusion node, running, and who talks to them."""

    observer: Observer
    processes: Processes
    client: GraspClient

    def call(self, service: str) -> str:
        """The message that a service answers with."""
        return self.observer.call(service, SERVICE_S, self.processes.check)


@contextmanager
def evaluation_graph(
    scenes: Sequence[str], policy: Sequence[str], log_dir: Path, governor: Sequence[str] = ()
) -> Iterator[Graph]:
    """A graph whose every node is ready, until the context is left.

    Args:
        scenes: command line arguments of the simulator.
        policy: command line arguments of the fusion node.
        log_dir: for what the nodes print.
        governor: command line arguments of the governor.

    Raises:
        AutoGLMError: a node died or did not come up.
    """
    nodes = {"sim_node": scenes, "governor_node": governor, "fusion_node": policy}
    with run_graph(nodes, log_dir, sound=False, ended=GraphExit(), record_sensors=False) as graph:
        from autoglm_embodied.ros.arm_actions import GraspClient

        ready = partial(not_ready_reasons, nodes=nodes)
        if not graph.observer.wait_for(lambda recording: not ready(recording), READY_S, graph.processes.check):
            lacking = "; ".join(ready(graph.observer.recording))
            raise SetupError(f"not ready after {READY_S:.0f} s: {lacking}; see the logs in {log_dir}")
        with GraspClient(graph.domain) as client:
            yield Graph(graph.observer, graph.processes, client)


def measure_over_graph(
    suites: Sequence[str],
    policies: Sequence[str],
    seeds: range,
    table: Mapping[str, object],
    nodes: Mapping[str, object],
    checkpoint: Path | None,
    log_dir: Path,
    progress: Callable[[GraspResult], None],
) -> list[GraspResult]:
    """All episodes, suite by suite and policy by policy, each on a graph of its own.

    Nothing of it is remembered for another run: what happens in real time does not follow from the seed alone.

    Args:
        suites: names.
        policies: names.
        seeds: of the episodes of each suite.
        table: the simulator's parameters `objects` and `easy`.
        nodes: parameters of every node, such as `robot_file`.
        checkpoint: folder of the learned policy; the shipped one if None.
        log_dir: for what the nodes print.
        progress: called with each result.

    Raises:
        AutoGLMError: a node died or did not come up.
    """
    results = []
    for suite, policy in product(suites, policies):
        scenes = parameters(suite=suite, seed=seeds.start, **table, **nodes)
        fusion = [*_fusion_arguments(policy, checkpoint), *parameters(**nodes)]
        with evaluation_graph(scenes, fusion, log_dir / suite / policy, parameters(**nodes)) as running:
            for seed in seeds:
                results.append(run_episode(running, suite, policy, seed))
                progress(results[-1])
    return results


def _fusion_arguments(policy: str, checkpoint: Path | None) -> list[str]:
    """Of the command line; a script may take longer than the learned policy, and close its fingers more often."""
    if policy == LEARNED:
        return parameters(checkpoint=checkpoint.resolve()) if checkpoint else []
    settings = {
        "grasp.timeout_s": SCRIPT_S,
        "grasp.max_tries": SCRIPT_CLOSINGS,
        "align.language_validity_ns": round(SCRIPT_S * 1e9),
    }
    return parameters(policy=policy, **settings)


def run_episode(running: Graph, suite: str, policy: str, seed: int) -> GraspResult:
    """Lay out the scene of a seed, have what it names grasped, and judge it."""
    scene = _answer(running.call("sim/reset"), "instruction", "kind", "target", "objects")
    target = scene["target"]
    if policy not in (LEARNED, *READING) and target is None:
        return nothing_to_grasp(suite, policy, seed, scene["instruction"], scene["kind"])
    recording = running.observer.recording
    statuses, ticks = len(recording.statuses), len(recording.ticks)
    began_ns = time.monotonic_ns()
    end = running.client.grasp(scene["instruction"], SCRIPT_S + SERVICE_S, running.processes.check)
    seconds = (time.monotonic_ns() - began_ns) / 1e9
    pace = pace_of(recording.statuses[statuses:], recording.ticks[ticks:])
    verdict = Verdict((), tuple(_answer(running.call("sim/judge"), "held")["held"]))
    return GraspResult(
        suite=suite,
        policy=policy,
        seed=seed,
        target="" if target is None else " ".join(scene["objects"][target][part] for part in ("colour", "shape")),
        held=verdict.success(target),
        wrong_object=verdict.wrong_object(target),
        approaches=end.tries,
        tries=end.tries,
        confident=end.outcome == HELD,
        seconds=seconds,
        instruction=scene["instruction"],
        kind=scene["kind"],
        refused=end.outcome in REFUSAL_WORDS,
        outcome=end.outcome,
        message=end.message,
        pace=pace,
    )


def pace_of(statuses: Sequence[NodeStatus], ticks: Sequence[FusionTick]) -> float | None:
    """At what share of real time the slower of simulator and fusion node ran; None where too little was recorded.

    Args:
        statuses: that came meanwhile, of all nodes.
        ticks: of the fusion node meanwhile.
    """
    factors = [float(status.values["realtime_factor"]) for status in statuses if status.node == "sim_node"]
    if not factors or len(ticks) < 2:
        return None
    elapsed_s = (ticks[-1].stamp_ns - ticks[0].stamp_ns) / 1e9
    return min(fmean(factors), (len(ticks) - 1) / elapsed_s / TICK_HZ)


def _answer(text: str, *keys: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(text)
    if not set(keys) <= set(answer):
        raise SensorError(f"the simulator must answer with {', '.join(keys)}, got {text[:80]!r}")
    return answer
