"""Fresh episodes through the real nodes over DDS: the instruction goes to the action, the simulator judges the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import SetupError
from autoglm_embodied.graph.launch import GraphExit, not_ready_reasons, parameters, run_graph
from autoglm_embodied.graph.scene_description import SceneThings, held_things
from autoglm_embodied.train.instructions import described, matches
from autoglm_embodied_sim.eval.primitive_results import EpisodeResult

if TYPE_CHECKING:
    from autoglm_embodied.graph.processes import Processes
    from autoglm_embodied.nodes.grasp_client import GraspClient
    from autoglm_embodied.nodes.observer_node import Observer

READY_S, GRASP_S, SERVICE_S = 90.0, 60.0, 30.0


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
def graph(scenes: Sequence[str], checkpoint: Path, log_dir: Path) -> Iterator[Graph]:
    """A graph whose every node is ready, until the context is left.

    Args:
        scenes: command line arguments of the simulator.
        checkpoint: of the policy.
        log_dir: for what the nodes print.

    Raises:
        AutoGLMError: a node died or did not come up.
    """
    nodes = {
        "sim_node": scenes,
        "governor_node": [],
        "fusion_node": parameters(checkpoint=checkpoint.resolve()),
    }
    with run_graph(nodes, log_dir, sound=False, ended=GraphExit(), record_sensors=False) as graph:
        from autoglm_embodied.nodes.grasp_client import GraspClient

        ready = partial(not_ready_reasons, nodes=nodes)
        if not graph.observer.wait_for(lambda observed: not ready(observed), READY_S, graph.processes.check):
            lacking = "; ".join(ready(graph.observer.recording))
            raise SetupError(f"not ready after {READY_S:.0f} s: {lacking}; see the logs in {log_dir}")
        with GraspClient(graph.domain) as client:
            yield Graph(graph.observer, graph.processes, client)


def evaluate_over_graph(
    checkpoint: Path,
    first_seed: int,
    episodes: int,
    log_dir: Path,
    progress: Callable[[EpisodeResult], None] | None = None,
) -> list[EpisodeResult]:
    """Run `episodes` scenes with seeds from `first_seed` on, one after another on one graph.

    Raises:
        AutoGLMError: a node died or did not come up.
    """
    results = []
    with graph(parameters(seed=first_seed), checkpoint, log_dir) as running:
        for seed in range(first_seed, first_seed + episodes):
            results.append(_episode(running, seed))
            if progress is not None:
                progress(results[-1])
    return results


def _episode(running: Graph, seed: int) -> EpisodeResult:
    scene = SceneThings.from_json(running.call("sim/reset"))
    sentence = scene.sentence(seed)
    target = scene.things[matches(described(sentence), scene.things)[0]]
    began_ns = time.monotonic_ns()
    end = running.client.grasp(sentence, GRASP_S, running.processes.check)
    seconds = (time.monotonic_ns() - began_ns) / 1e9
    in_hand = held_things(running.call("sim/judge"))
    return EpisodeResult(
        seed=seed,
        sentence=sentence,
        outcome=end.outcome,
        held=in_hand == [target],
        wrong_object=any(thing != target for thing in in_hand),
        tries=end.tries,
        seconds=seconds,
        peak_force_n=None,
    )
