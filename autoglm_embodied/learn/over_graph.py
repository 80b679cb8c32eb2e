"""Fresh episodes through the real nodes over DDS: the instruction goes to the action, the simulator judges the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autoglm_embodied.demo.graph import environment, private_domain
from autoglm_embodied.demo.processes import Processes
from autoglm_embodied.demo.scene import SceneThings, held_things
from autoglm_embodied.errors import SetupError
from autoglm_embodied.learn.instructions import described, matches
from autoglm_embodied.learn.results import EpisodeResult
from autoglm_embodied.observed import Observed, arrays

if TYPE_CHECKING:
    from autoglm_embodied.nodes.grasp_client import GraspClient
    from autoglm_embodied.nodes.observer_node import Observer

NODES = {
    "sim_node": "autoglm_embodied_sim.nodes.sim_node",
    "governor_node": "autoglm_embodied.nodes.governor_node",
    "fusion_node": "autoglm_embodied.nodes.fusion_node",
}
AT_REST_SAMPLES = 50
READY_S, GRASP_S, SERVICE_S = 90.0, 60.0, 30.0


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
    with private_domain() as (domain, lock):
        camera = environment(domain, os.environ, sends_frames=True)
        os.environ.update(environment(domain, os.environ))
        # Here and not above: rclpy reads the environment when it is imported.
        from autoglm_embodied.nodes.grasp_client import GraspClient
        from autoglm_embodied.nodes.observer_node import Observer

        processes = Processes(log_dir, os.environ, [lock])
        try:
            seed_it = ("--ros-args", "-p", f"seed:={first_seed}")
            processes.start("sim_node", NODES["sim_node"], *seed_it, environment=camera)
            processes.start("governor_node", NODES["governor_node"])
            processes.start("fusion_node", NODES["fusion_node"], "--ros-args", "-p", f"checkpoint:={checkpoint}")
            with Observer(domain) as observer, GraspClient(domain) as client:
                _wait_for_senses(observer, processes)
                for seed in range(first_seed, first_seed + episodes):
                    results.append(_episode(observer, client, processes, seed))
                    if progress is not None:
                        progress(results[-1])
        finally:
            processes.stop()
    return results


def _wait_for_senses(observer: Observer, processes: Processes) -> None:
    def ready(observed: Observed) -> bool:
        if not observed.ticks:
            return False
        newest = observed.ticks[-1]
        present = dict(zip(newest.modality, newest.present, strict=True))
        return all(present.get(sense, False) for sense in ("vision", "force", "joints"))

    if not observer.wait_for(ready, READY_S, processes.check):
        raise SetupError(f"the senses did not all come within {READY_S:.0f} s; see the logs in {processes.log_dir}")


def _episode(observer: Observer, client: GraspClient, processes: Processes, seed: int) -> EpisodeResult:
    scene = SceneThings.from_json(observer.call("sim/reset", SERVICE_S, processes.check))
    sentence = scene.sentence(seed)
    target = scene.things[matches(described(sentence), scene.things)[0]]
    for notes in (observer.observed.wrench, observer.observed.joints, observer.observed.pictures):
        notes.clear()  # what is noted of an episode need not outlive it
    began_ns = time.monotonic_ns()
    end = client.grasp(sentence, GRASP_S, processes.check)
    seconds = (time.monotonic_ns() - began_ns) / 1e9
    peak_n = _peak_force_n(observer.observed)
    in_hand = held_things(observer.call("sim/judge", SERVICE_S, processes.check))
    return EpisodeResult(
        seed=seed,
        sentence=sentence,
        outcome=end.outcome,
        held=in_hand == [target],
        wrong_object=any(thing != target for thing in in_hand),
        tries=end.tries,
        seconds=seconds,
        peak_force_n=peak_n,
    )


def _peak_force_n(observed: Observed) -> float | None:
    """Largest force on the wrist since it was at rest at the start; None if nothing was noted."""
    if not observed.wrench:
        return None
    _, wrench = arrays(list(observed.wrench))
    return float(np.linalg.norm(wrench[:, :3] - wrench[:AT_REST_SAMPLES, :3].mean(axis=0), axis=1).max())
