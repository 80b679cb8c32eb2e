"""Starts nodes as processes on a private graph with an observer, says when they are ready, and ends all of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.graph.processes import Ended, Processes, end_survivors, new_mark
from autoglm_embodied.graph_recording import GraphRecording, Health
from autoglm_embodied.voice.sound_server import SoundServer

if TYPE_CHECKING:
    from autoglm_embodied.nodes.observer_node import Observer

LEAST_REAL_TIME = 0.9
SENSED = ("vision", "force", "joints")


def missing(recording: GraphRecording, nodes: Iterable[str]) -> list[str]:
    """What is still waited for, in words, of some nodes; empty when all is ready."""
    health = recording.latest_health()
    absent = [f"{name} is not heard of" for name in nodes if name not in health]
    voice = health.get("voice_node")
    deaf = [f"voice_node is {voice.message}"] if voice and voice.message != "listening" else []
    return (
        absent
        + deaf
        + _slow(health.get("sim_node"))
        + [f"fusion_node lacks {sense}" for sense in SENSED if not _present(recording, sense)]
    )


def _slow(sim: Health | None) -> list[str]:
    """A machine on which the simulator falls behind the clock shows nothing but that."""
    factor = float(sim.values["realtime_factor"]) if sim else 1.0
    slow = f"the simulator runs at {factor:.2f} of real time, end other programs"
    return [slow] if factor < LEAST_REAL_TIME else []


def _present(recording: GraphRecording, sense: str) -> bool:
    if not recording.ticks:
        return False
    newest = recording.ticks[-1]
    return dict(zip(newest.modality, newest.present, strict=True)).get(sense, False)


NODES = {
    "sim_node": "autoglm_embodied_sim.nodes.sim_node",
    "governor_node": "autoglm_embodied.nodes.governor_node",
    "fusion_node": "autoglm_embodied.nodes.fusion_node",
    "voice_node": "autoglm_embodied.nodes.voice_node",
}


@dataclass
class Stage:
    """A running graph and who watches it; `sound` is None with the user's own microphone."""

    domain: int
    observer: Observer
    processes: Processes
    sound: SoundServer | None


@dataclass
class Ending:
    """How the processes of a stage ended, filled when it is left."""

    ended: list[Ended] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)


@contextmanager
def stage(
    nodes: Mapping[str, Sequence[str]], log_dir: Path, sound: bool, ending: Ending, film: bool = True
) -> Iterator[Stage]:
    """Nodes and their observer on a private graph, running until the context is left.

    Args:
        nodes: names out of NODES, each with its command line arguments.
        log_dir: for what the nodes print.
        sound: whether they hear a private sound server instead of the user's microphone.
        ending: filled when the context is left.
        film: whether the observer notes what the sensors say.
    """
    mark = new_mark()
    os.environ.update(mark)
    try:
        with private_domain() as (domain, lock), ExitStack() as stack:
            camera = environment(domain, os.environ, sends_frames=True)
            os.environ.update(environment(domain, os.environ))
            server = stack.enter_context(SoundServer()) if sound else None
            processes = Processes(log_dir, os.environ | (server.environment if server else {}), [lock])
            stack.callback(lambda: ending.ended.extend(processes.stop()))
            for name, arguments in nodes.items():
                own = camera if name == "sim_node" else None
                processes.start(name, NODES[name], *arguments, environment=own)
            # Here and not above: rclpy reads the environment when it is imported.
            from autoglm_embodied.nodes.observer_node import Observer

            observer = stack.enter_context(Observer(domain, sensors=film))
            yield Stage(domain, observer, processes, server)
    finally:
        # Also one whose start was cut off by Ctrl-C before it was noted.
        ending.survivors.extend(end_survivors(mark))


def parameters(**values: object) -> list[str]:
    """Parameters of a node as command line arguments."""
    pairs = [argument for key, value in values.items() for argument in ("-p", f"{key}:={value}")]
    return ["--ros-args", *pairs] if pairs else []
