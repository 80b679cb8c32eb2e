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
from autoglm_embodied.graph_recording import GraphRecording
from autoglm_embodied.ros.ticker import WHOLE_PROCESS
from autoglm_embodied.voice.sound_server import SoundServer

if TYPE_CHECKING:
    from autoglm_embodied.nodes.observer_node import Observer

MIN_REALTIME_FACTOR = 0.9
REQUIRED_MODALITIES = ("vision", "force", "joints")
NODES = {
    "sim_node": "autoglm_embodied_sim.nodes.sim_node",
    "governor_node": "autoglm_embodied.nodes.governor_node",
    "fusion_node": "autoglm_embodied.nodes.fusion_node",
    "voice_node": "autoglm_embodied.nodes.voice_node",
}


def not_ready_reasons(recording: GraphRecording, nodes: Iterable[str]) -> list[str]:
    """Why a graph in which these nodes must be up is not ready, by its recording so far; empty when it is."""
    status = recording.latest_status()
    reasons = [f"{name} has not reported" for name in nodes if name not in status]
    voice, sim, fusion = (status.get(name) for name in ("voice_node", "sim_node", "fusion_node"))
    if voice and voice.values.get("state") != "listening":
        reasons.append(f"voice_node is {voice.values.get('state')}")
    if fusion and fusion.values.get("governed") != "1":
        reasons.append(f"fusion_node finds no governor: {fusion.message}")
    factor = float(sim.values["realtime_factor"]) if sim else 1.0
    if factor < MIN_REALTIME_FACTOR:  # a run would measure nothing but this machine
        reasons.append(f"the simulator runs at {factor:.2f} of real time, end other programs")
    newest = recording.ticks[-1] if recording.ticks else None
    present = dict(zip(newest.modality, newest.present, strict=True)) if newest else {}
    return reasons + [f"fusion_node lacks {name}" for name in REQUIRED_MODALITIES if not present.get(name)]


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


def parameters(**values: object) -> list[str]:
    """ROS parameters as command line arguments of a node; of one that is given twice the last counts."""
    pairs = [argument for key, value in values.items() for argument in ("-p", f"{key}:={value}")]
    return ["--ros-args", *pairs] if pairs else []


# A simulator that shares its processors is no real-time driver: wrenches and ticks come late again and again.
IN_SIMULATION = {
    "governor_node": parameters(**{f"limits.{name}_timeout_ns": 100_000_000 for name in ("policy", "wrench")}),
    "fusion_node": parameters(command_limit_ns=200_000_000, **{"camera.frozen_after_ns": 0}),
}


def start_node(processes: Processes, name: str, domain: int, *arguments: str, real_time: bool = False) -> None:
    """Start a node with its DDS transports: the simulator sends frames, and the governor is reached after any end.

    Args:
        processes: of the graph.
        name: out of NODES.
        domain: of the graph.
        arguments: on its command line.
        real_time: whether the governor's whole process comes before the simulator, as on a robot.
    """
    frames, shared_memory = name == "sim_node", name != "governor_node"
    own = environment(domain, os.environ, sends_frames=frames, shared_memory=shared_memory)
    own |= {} if real_time else {WHOLE_PROCESS: "0"}
    processes.start(name, NODES[name], *arguments, environment=own)


@contextmanager
def run_graph(
    nodes: Mapping[str, Sequence[str]],
    log_dir: Path,
    sound: bool,
    ended: GraphExit,
    record_sensors: bool = True,
    real_time: bool = False,
) -> Iterator[RunningGraph]:
    """Nodes and their observer on a private graph, running until the context is left.

    Args:
        nodes: names out of NODES, each with its command line arguments.
        log_dir: for the output of the nodes.
        sound: whether they use a private sound server instead of the user's microphone.
        ended: filled when the context is left.
        record_sensors: whether the observer records the sensors' messages.
        real_time: see `start_node`.
    """
    run_id = new_run_id()
    os.environ.update(run_id)
    try:
        with private_domain() as (domain, lock), ExitStack() as stack:
            os.environ.update(environment(domain, os.environ))
            server = stack.enter_context(SoundServer()) if sound else None
            processes = Processes(log_dir, os.environ | (server.environment if server else {}), [lock])
            stack.callback(lambda: ended.exits.extend(processes.stop()))
            for name, arguments in nodes.items():
                start_node(processes, name, domain, *IN_SIMULATION.get(name, ()), *arguments, real_time=real_time)
            # Here and not above: rclpy reads the environment when it is imported.
            from autoglm_embodied.nodes.observer_node import Observer

            observer = stack.enter_context(Observer(domain, sensors=record_sensors))
            yield RunningGraph(domain, observer, processes, server)
    finally:
        # Includes a process whose start was interrupted before it was listed.
        ended.leftover.extend(kill_leftover_processes(run_id))
