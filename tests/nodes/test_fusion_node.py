"""The fusion node over real DDS: what it tells, and how it answers goals, spoken or not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from autoglm_embodied_interfaces.action import Grasp, Place
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from node_graph import LIMIT_S, Graph, publish_grey_images, publish_hand_at_rest, start_governor
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from autoglm_embodied.ros.conversions import stamp_ns
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, LATCHED

pytestmark = pytest.mark.slow
MODULE = "autoglm_embodied.nodes.fusion_node"
TICK_NS = 33_333_333
LOOKING = (
    "grasp.look_ticks:=1000000",
    "grasp.blind_s:=1000.0",
    "grasp.timeout_s:=1000.0",
)  # an untrained policy is to look, never to move


@pytest.fixture(scope="module")
def client(graph: Graph, states: list[Any]) -> Any:
    client = graph.action_client(Grasp, "grasp")
    assert client.wait_for_server(timeout_sec=LIMIT_S)
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


def test_a_state_tells_ages_and_time_errors_of_every_sense(graph: Graph, states: list[Any]) -> None:
    def punctual(state: FusionState) -> bool:
        known = list(state.present[:3]) == [True] * 3 and all(0 <= age < 1e9 for age in state.age_ns)
        return known and list(state.extrapolated_ns) == [0] * 4 and state.force_samples > 1

    state = states[-1]
    assert list(state.modality) == ["vision", "force", "joints", "language"] and len(state.time_error_ns) == 4
    assert state.header.frame_id == "panda_link0" and state.phase == "idle" and not state.outcome and state.tick_ms > 0
    graph.until(lambda: any(map(punctual, states)), "all that is sent comes in time once")
    stamps = [stamp_ns(each.header.stamp) for each in states]
    assert stamps == sorted(stamps)


def test_between_two_ticks_the_command_is_repeated(graph: Graph, states: list[Any]) -> None:
    """Twice at least, if the machine has time for it."""
    twists = graph.collect(TwistStamped, "policy/delta_twist")
    begun = len(states)

    def repeated() -> bool:
        ticks_ns = [stamp_ns(state.header.stamp) for state in states[begun:]]
        sent_ns = np.array([stamp_ns(twist.header.stamp) for twist in twists])
        between = [pair for pair in pairwise(ticks_ns) if pair[1] - pair[0] < 1.5 * TICK_NS]
        return any(((begin < sent_ns) & (sent_ns < end)).sum() >= 3 for begin, end in between)

    graph.until(repeated, "a tick's command is sent, and sent again before the next tick")


def test_words_that_name_nothing_are_refused_through_the_result(graph: Graph, client: Any, states: list[Any]) -> None:
    answer = outcome_of(graph, ask(graph, client, "pick up the purple elephant"))
    assert answer.status == GoalStatus.STATUS_ABORTED and not answer.result.success
    assert answer.result.outcome == "unknown_words" and "elephant" in answer.result.message
    graph.until(lambda: states[-1].outcome == "unknown_words" and not states[-1].instruction, "the state keeps it")
    assert any(state.instruction and state.outcome == "unknown_words" for state in states)


def test_a_later_goal_takes_the_place_of_the_running_one_and_a_canceled_one_ends(graph: Graph, client: Any) -> None:
    goal, following = ask(graph, client, "pick up the red cube"), ask(graph, client, "pick up the blue ball")
    preempted = outcome_of(graph, goal)
    assert preempted.status == GoalStatus.STATUS_ABORTED and preempted.result.code == Grasp.Result.PREEMPTED
    assert "pick up the blue ball" in preempted.result.message
    graph.result(following.cancel_goal_async, "the cancel is answered")
    answer = outcome_of(graph, following)
    assert answer.status == GoalStatus.STATUS_CANCELED and answer.result.code == Grasp.Result.CANCELED


def test_with_an_empty_hand_place_says_so_and_what_is_spoken_is_carried_out(graph: Graph, states: list[Any]) -> None:
    place = graph.action_client(Place, "place")
    assert place.wait_for_server(timeout_sec=LIMIT_S)
    send = partial(place.send_goal_async, Place.Goal(instruction="left of the red cube"))
    answer = outcome_of(graph, graph.result(send, "the goal is answered"))
    assert answer.status == GoalStatus.STATUS_ABORTED and answer.result.code == Place.Result.HAND_EMPTY
    voice = graph.publisher(VoiceCommand, "voice/command", EVENTS, listeners=2)
    for intent, outcome in ((VoiceCommand.PLACE, "hand_empty"), (VoiceCommand.OPEN, "done")):
        voice.publish(VoiceCommand(intent=intent, slot=["relation"], slot_value=["here"]))
        graph.until(lambda outcome=outcome: states[-1].outcome == outcome, outcome)  # type: ignore[misc]
    widths = graph.collect(Float64MultiArray, "policy/gripper_width", COMMANDS)
    voice.publish(VoiceCommand(intent=VoiceCommand.CLOSE, slot=["amount"], slot_value=["half"]))
    graph.until(lambda: any(list(width.data) == [0.04] for width in widths), "half of the full width is commanded")


@pytest.mark.parametrize(
    ("topic", "message", "qos"),
    [
        ("policy/delta_twist", TwistStamped(), COMMANDS),
        ("governor/state", DiagnosticStatus(message="free", level=DiagnosticStatus.OK), LATCHED),
    ],
)
def test_a_second_node_that_commands_ends_the_goal_and_is_told_until_it_is_gone(
    graph: Graph, client: Any, topic: str, message: Any, qos: Any
) -> None:
    reports = graph.collect(DiagnosticArray, "/diagnostics")

    def told(level: bytes) -> bool:
        items = [status for report in reports for status in report.status if status.name == "fusion_node: rivals"]
        return bool(items) and items[-1].level == level

    goal = ask(graph, client, "pick up the red cube")
    rival = graph.node.create_publisher(type(message), topic, qos)
    timer = graph.node.create_timer(0.01, lambda: rival.publish(message))
    answer = outcome_of(graph, goal)
    assert answer.result.code == Grasp.Result.STOPPED and f"commands on {topic}" in answer.result.message
    assert f"commands on {topic}" in outcome_of(graph, ask(graph, client, "pick up the red cube")).result.message
    graph.until(lambda: told(DiagnosticStatus.ERROR), "the diagnostics tell of it")
    graph.node.destroy_timer(timer)
    graph.node.destroy_publisher(rival)
    graph.until(lambda: told(DiagnosticStatus.OK), "it is forgotten")


def test_a_spoken_grasp_begins_and_a_spoken_stop_ends_it(graph: Graph, states: list[Any]) -> None:
    voice = graph.publisher(VoiceCommand, "voice/command", EVENTS, listeners=2)
    stops = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    voice.publish(VoiceCommand(intent=VoiceCommand.GRASP, instruction="pick up the green cube"))
    graph.until(lambda: states[-1].instruction == "pick up the green cube", "it begins")
    voice.publish(VoiceCommand(intent=VoiceCommand.STOP, text="stop"))
    graph.until(lambda: states[-1].outcome == "stopped" and not states[-1].instruction, "it ends")
    graph.until(lambda: bool(stops) and stops[-1].level == DiagnosticStatus.ERROR, "the governor heard it, too")
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
    while answer.result.message.startswith(("No governor tells its state", "More than one node")):
        # Refused, too, until it was heard; and the dead one is known for a while.
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
    assert re.match(r"The governor is gone, its last state is \d+ s old; ", answer.result.message)
