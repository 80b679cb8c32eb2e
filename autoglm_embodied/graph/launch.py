"""Runs nodes as processes on a private ROS graph with an observer, tells when all are ready, and ends every one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.graph.processes import Processes, ProcessExit, kill_leftover_processes, new_run_id
from autoglm_embodied.graph_recording import GraphRecording, NodeStatus
from autoglm_embodied.voice.sound_server import SoundServer

if TYPE_CHECKING:
    from autoglm_embodied.nodes.observer_node import Observer

MIN_REALTIME_FACTOR = 0.9
REQUIRED_MODALITIES = ("vision", "force", "joints")


def not_ready_reasons(recording: GraphRecording, nodes: Iterable[str]) -> list[str]:
    """Why the graph is not ready, as sentences; empty when it is.

    Args:
        recording: of the graph so far.
        nodes: names of the nodes that must be up.
    """
    status = recording.latest_status()
    absent = [f"{name} has not reported" for name in nodes if name not in status]
    voice = status.get("voice_node")
    opening = [f"voice_node is {voice.message}"] if voice and voice.message != "listening" else []
    lacking = [f"fusion_node lacks {name}" for name in REQUIRED_MODALITIES if not _present(recording, name)]
    return absent + opening + _too_slow(status.get("sim_node")) + lacking


def _too_slow(sim: NodeStatus | None) -> list[str]:
    """On a machine where the simulator lags behind the clock a run would measure nothing else."""
    factor = float(sim.values["realtime_factor"]) if sim else 1.0
    reason = f"the simulator runs at {factor:.2f} of real time, end other programs"
    return [reason] if factor < MIN_REALTIME_FACTOR else []


def _present(recording: GraphRecording, name: str) -> bool:
    if not recording.ticks:
        return False
    newest = recording.ticks[-1]
    return dict(zip(newest.modality, newest.present, strict=True)).get(name, False)


NODES = {
    "sim_node": "autoglm_embodied_sim.nodes.sim_node",
    "governor_node": "autoglm_embodied.nodes.governor_node",
    "fusion_node": "autoglm_embodied.nodes.fusion_node",
    "voice_node": "autoglm_embodied.nodes.voice_node",
}


@dataclass
class RunningGraph:
    """A running graph and its observer; `sound` is None where the user's own microphone is used."""

    domain: int
    observer: Observer
    processes: Processes
    sound: SoundServer | None


@dataclass
class GraphExit:
    """How the processes of a graph ended; filled when the graph is left."""

    exits: list[ProcessExit] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)  # processes that had to be killed at the end


@contextmanager
def run_graph(
    nodes: Mapping[str, Sequence[str]], log_dir: Path, sound: bool, ended: GraphExit, record_sensors: bool = True
) -> Iterator[RunningGraph]:
    """Nodes and their observer on a private graph, running until the context is left.

    Args:
        nodes: names out of NODES, each with its command line arguments.
        log_dir: for the output of the nodes.
        sound: whether they use a private sound server instead of the user's microphone.
        ended: filled when the context is left.
        record_sensors: whether the observer records the sensors' messages.
    """
    run_id = new_run_id()
    os.environ.update(run_id)
    try:
        with private_domain() as (domain, lock), ExitStack() as stack:
            camera = environment(domain, os.environ, sends_frames=True)
            os.environ.update(environment(domain, os.environ))
            server = stack.enter_context(SoundServer()) if sound else None
            processes = Processes(log_dir, os.environ | (server.environment if server else {}), [lock])
            stack.callback(lambda: ended.exits.extend(processes.stop()))
            for name, arguments in nodes.items():
                own = camera if name == "sim_node" else None
                processes.start(name, NODES[name], *arguments, environment=own)
            # Here and not above: rclpy reads the environment when it is imported.
            from autoglm_embodied.nodes.observer_node import Observer

            observer = stack.enter_context(Observer(domain, sensors=record_sensors))
            yield RunningGraph(domain, observer, processes, server)
    finally:
        # Includes a process whose start was interrupted before it was listed.
        ended.leftover.extend(kill_leftover_processes(run_id))


def parameters(**values: object) -> list[str]:
    """ROS parameters as command line arguments of a node."""
    pairs = [argument for key, value in values.items() for argument in ("-p", f"{key}:={value}")]
    return ["--ros-args", *pairs] if pairs else []
