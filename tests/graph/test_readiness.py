"""The demo speaks only once everything listens, sees and keeps up."""

from __future__ import annotations

from autoglm_embodied.graph.launch import NODES, not_ready_reasons
from autoglm_embodied.graph_recording import FusionTick, GraphRecording, NodeStatus


def status(node: str, **values: str) -> NodeStatus:
    well = {"realtime_factor": "1.000", "state": "listening", "governed": "1"}
    return NodeStatus(0, node, 0, "ok", well | values)


def tick(present: tuple[bool, ...]) -> FusionTick:
    senses = ("vision", "force", "joints", "language")
    return FusionTick(0, "", "idle", "", "", 0, senses, present, (), (0.0, 0.0, 0.0), 0.0, 9.0)


def ready() -> GraphRecording:
    return GraphRecording(statuses=[status(node) for node in NODES], ticks=[tick((True, True, True, False))])


def test_with_every_node_and_sense_nothing_is_missing() -> None:
    assert not_ready_reasons(ready(), NODES) == []


def test_each_absent_node_is_named() -> None:
    recording = ready()
    recording.statuses.pop(0)
    assert not_ready_reasons(recording, NODES) == ["sim_node has not reported"]


def test_a_microphone_that_opens_is_waited_for() -> None:
    recording = ready()
    recording.statuses.append(status("voice_node", state="opening"))
    assert not_ready_reasons(recording, NODES) == ["voice_node is opening"]


def test_a_fusion_node_that_has_not_found_the_governor_is_waited_for() -> None:
    recording = ready()
    recording.statuses.append(status("fusion_node", governed="0"))
    assert not_ready_reasons(recording, NODES) == ["fusion_node finds no governor: ok"]


def test_only_the_newest_tick_counts() -> None:
    recording = ready()
    recording.ticks.append(tick((True, False, True, False)))
    assert not_ready_reasons(recording, NODES) == ["fusion_node lacks force"]


def test_a_simulator_that_falls_behind_is_waited_for() -> None:
    recording = ready()
    recording.statuses.append(status("sim_node", realtime_factor="0.110"))
    (said,) = not_ready_reasons(recording, NODES)
    assert "0.11 of real time" in said
