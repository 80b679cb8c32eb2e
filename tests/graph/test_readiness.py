"""The demo speaks only once everything listens, sees and keeps up."""

from __future__ import annotations

from autoglm_embodied.graph.launch import NODES, missing
from autoglm_embodied.graph_recording import FusionTick, GraphRecording, Health


def health(node: str, **values: str) -> Health:
    message = "listening" if node == "voice_node" else "active"
    return Health(0, node, 0, message, {"realtime_factor": "1.000"} | values)


def tick(present: tuple[bool, ...]) -> FusionTick:
    senses = ("vision", "force", "joints", "language")
    return FusionTick(0, "", "idle", "", "", 0, senses, present, (), (0.0, 0.0, 0.0), 0.0, 9.0)


def ready() -> GraphRecording:
    return GraphRecording(health=[health(node) for node in NODES], ticks=[tick((True, True, True, False))])


def test_with_every_node_and_sense_nothing_is_missing() -> None:
    assert missing(ready(), NODES) == []


def test_each_absent_node_is_named() -> None:
    recording = ready()
    recording.health.pop(0)
    assert missing(recording, NODES) == ["sim_node is not heard of"]


def test_a_microphone_that_opens_is_waited_for() -> None:
    recording = ready()
    recording.health.append(Health(1, "voice_node", 1, "opening", {}))
    assert missing(recording, NODES) == ["voice_node is opening"]


def test_only_the_newest_tick_counts() -> None:
    recording = ready()
    recording.ticks.append(tick((True, False, True, False)))
    assert missing(recording, NODES) == ["fusion_node lacks force"]


def test_a_simulator_that_falls_behind_is_waited_for() -> None:
    recording = ready()
    recording.health.append(health("sim_node", realtime_factor="0.110"))
    (said,) = missing(recording, NODES)
    assert "0.11 of real time" in said
