"""Starts what a demo needs, on a private graph, and ends all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autoglm_embodied.demo.graph import environment, private_domain
from autoglm_embodied.demo.processes import Ended, Processes, end_survivors, new_mark
from autoglm_embodied.demo.request import DemoRequest
from autoglm_embodied.voice.sound_server import SoundServer

if TYPE_CHECKING:
    from autoglm_embodied.nodes.observer_node import Observer

NODES = {
    "sim_node": "autoglm_embodied_sim.nodes.sim_node",
    "governor_node": "autoglm_embodied.nodes.governor_node",
    "fusion_node": "autoglm_embodied.nodes.fusion_node",
    "voice_node": "autoglm_embodied.nodes.voice_node",
}


@dataclass
class Stage:
    """A running graph and who watches it; `sound` is None with the user's own microphone."""

    observer: Observer
    processes: Processes
    sound: SoundServer | None


@dataclass
class Ending:
    """How the processes of a stage ended, filled when it is left."""

    ended: list[Ended] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)


@contextmanager
def stage(request: DemoRequest, ending: Ending) -> Iterator[Stage]:
    """Sound server, nodes and observer, running until the context is left."""
    mark = new_mark()
    os.environ.update(mark)
    try:
        with private_domain() as (domain, lock), ExitStack() as stack:
            camera = environment(domain, os.environ, sends_frames=True)
            os.environ.update(environment(domain, os.environ))
            sound = None if request.mic else stack.enter_context(SoundServer())
            processes = Processes(request.out / "log", os.environ | (sound.environment if sound else {}), [lock])
            stack.callback(lambda: ending.ended.extend(processes.stop()))
            for name, module in NODES.items():
                own = camera if name == "sim_node" else None
                processes.start(name, module, *arguments(name, request), environment=own)
            # Here and not above: rclpy reads the environment when it is imported.
            from autoglm_embodied.nodes.observer_node import Observer

            observer = stack.enter_context(Observer(domain))
            yield Stage(observer, processes, sound)
    finally:
        # Also one whose start was cut off by Ctrl-C before it was noted.
        ending.survivors.extend(end_survivors(mark))


def arguments(name: str, request: DemoRequest) -> list[str]:
    """Parameters of a node as command line arguments."""
    parameters: dict[str, object] = {}
    if name == "sim_node":
        parameters = {"seed": request.seed, "things": request.things}
    if name == "fusion_node" and request.checkpoint is not None:
        parameters["checkpoint"] = request.checkpoint.resolve()
    pairs = [argument for key, value in parameters.items() for argument in ("-p", f"{key}:={value}")]
    return ["--ros-args", *pairs] if pairs else []
