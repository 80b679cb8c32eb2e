"""The fusion node over real DDS: what it tells, and how it answers goals, spoken or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from node_graph import Graph, publish_grey_images, publish_hand_at_rest, start_governor
from rclpy.action import ActionClient
from std_srvs.srv import Trigger

from autoglm_embodied.ros.conversions import stamp_ns
from autoglm_embodied.ros.qos import EVENTS

pytestmark = pytest.mark.slow
MODULE = "autoglm_embodied.nodes.fusion_node"
LOOKING = (
    "grasp.look_ticks:=1000000",
    "grasp.blind_s:=1000.0",
    "grasp.timeout_s:=1000.0",
)  # an untrained policy is to look, never to move


@pytest.fixture(scope="module")
def client(graph: Graph, states: list[Any]) -> Any:
    client = ActionClient(graph.node, Grasp, "grasp")
    assert client.wait_for_server(timeout_sec=20.0)
    return client


@pytest.fixture(scope="module")
def start(graph: Graph, checkpoint: Path) -> Callable[[], Any]:
    return lambda: graph.start(MODULE, f"checkpoint:={checkpoint}", *LOOKING)


@pytest.fixture(scope="module")
def process(start: Callable[[], Any]) -> Any:
    return start()


@pytest.fixture(scope="module")
def governor(graph: Graph, process: Any) -> Any:
    return start_governor(graph)


@pytest.fixture(scope="module")
def states(graph: Graph, process: Any, governor: Any) -> list[Any]:
    """What a started node that sees, feels and knows its joints tells."""
    publish_hand_at_rest(graph)
    publish_grey_images(graph)
    states = graph.collect(FusionState, "fusion/state")
    graph.until(lambda: bool(states), "a state is told")
    graph.until(lambda: states[-1].present[0], "vision is there")
    graph.until(lambda: list(states[-1].present) == [True, True, True, False], "force and joints are there, no words")
    return states


def ask(graph: Graph, client: Any, instruction: str) -> Any:
    return graph.result(lambda: client.send_goal_async(Grasp.Goal(instruction=instruction)), "the goal is answered")


def outcome_of(graph: Graph, goal: Any) -> Any:
    return graph.result(goal.get_result_async, "the grasp ends")


def test_a_state_tells_ages_and_time_errors_of_every_sense(states: list[Any]) -> None:
    state = states[-1]
    assert list(state.modality) == ["vision", "force", "joints", "language"]
    assert state.header.frame_id == "panda_link0" and state.phase == "idle" and not state.outcome
    assert all(0 <= age < 1e9 for age in state.age_ns) and state.tick_ms > 0
    assert len(state.time_error_ns) == 4 and list(state.extrapolated_ns) == [0] * 4 and state.force_samples > 1
    stamps = [stamp_ns(each.header.stamp) for each in states]
    assert stamps == sorted(stamps)


def test_words_that_name_nothing_are_refused_through_the_result(graph: Graph, client: Any, states: list[Any]) -> None:
    answer = outcome_of(graph, ask(graph, client, "pick up the purple elephant"))
    assert answer.status == GoalStatus.STATUS_ABORTED and not answer.result.success
    assert answer.result.outcome == "unknown_words" and "elephant" in answer.result.message
    graph.until(lambda: states[-1].outcome == "unknown_words" and not states[-1].instruction, "the state keeps it")
    assert any(state.instruction and state.outcome == "unknown_words" for state in states)


def test_one_goal_at_a_time_and_a_cancelled_one_ends(graph: Graph, client: Any) -> None:
    goal = ask(graph, client, "pick up the red cube")
    assert goal.accepted
    assert not ask(graph, client, "pick up the blue ball").accepted
    graph.result(goal.cancel_goal_async, "the cancel is answered")
    answer = outcome_of(graph, goal)
    assert answer.status == GoalStatus.STATUS_CANCELED and answer.result.outcome == "stopped"
    following = ask(graph, client, "pick up the blue ball")
    assert following.accepted
    graph.result(following.cancel_goal_async, "the cancel is answered")
    outcome_of(graph, following)


def test_a_spoken_grasp_begins_and_a_spoken_stop_ends_it(graph: Graph, states: list[Any]) -> None:
    voice = graph.publisher(VoiceCommand, "voice/command", EVENTS)
    voice.publish(VoiceCommand(intent=VoiceCommand.GRASP, instruction="pick up the green cube"))
    graph.until(lambda: states[-1].instruction == "pick up the green cube", "it begins")
    voice.publish(VoiceCommand(intent=VoiceCommand.STOP, text="stop"))
    graph.until(lambda: states[-1].outcome == "stopped" and not states[-1].instruction, "it ends")
    assert graph.call(Trigger, "resume", Trigger.Request()).success


def test_a_stop_ends_the_grasp_and_refuses_all_later_ones_until_resumed_whatever_is_killed(
    graph: Graph, client: Any, process: Any, governor: Any, start: Callable[[], Any]
) -> None:
    running = ask(graph, client, "pick up the red cube")
    assert graph.call(Trigger, "stop", Trigger.Request()).success
    refused = [outcome_of(graph, running), outcome_of(graph, ask(graph, client, "pick up the blue ball"))]
    graph.end_at_once(process)
    states = graph.collect(FusionState, "fusion/state")  # none comes from the dead
    start()
    graph.until(lambda: bool(states), "the next one ticks")
    answer = outcome_of(graph, ask(graph, client, "pick up the blue ball"))
    while answer.result.message.startswith("No governor tells its state"):  # refused, too, until it was heard
        answer = outcome_of(graph, ask(graph, client, "pick up the blue ball"))
    refused.append(answer)
    for answer in refused:
        assert answer.status == GoalStatus.STATUS_ABORTED and answer.result.outcome == "stopped"
        assert answer.result.message.startswith("The robot is stopped since ")
        assert answer.result.message.endswith(": by service; resume before the next grasp.")
    assert graph.call(Trigger, "resume", Trigger.Request()).success
    following = ask(graph, client, "pick up the blue ball")
    graph.until(lambda: states[-1].instruction == "pick up the blue ball", "it begins")
    graph.end_at_once(governor)
    answer = outcome_of(graph, following)
    assert answer.status == GoalStatus.STATUS_ABORTED and answer.result.outcome == "stopped"
    assert answer.result.message.startswith("The governor is gone, its last state is 2 s old; ")
