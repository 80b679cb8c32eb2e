"""The manager over real DDS: nodes come up in order, it is ready when they are, and what was lost comes up again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_graph import LIMIT_S, Graph
from std_srvs.srv import Trigger

from autoglm_embodied.nodes import manager_node
from autoglm_embodied.ros.qos import LATCHED

pytestmark = pytest.mark.slow
MODULE = "autoglm_embodied.nodes.manager_node"
GOVERNOR, FUSION = "autoglm_embodied.nodes.governor_node", "autoglm_embodied.nodes.fusion_node"
WAITING = "policy:=script", "grasp.blind_s:=1000.0", "grasp.timeout_s:=1000.0"  # nothing is seen, so nothing moves


def values(state: DiagnosticStatus) -> dict[str, str]:
    return {pair.key: pair.value for pair in state.values}


def is_ready(states: list[DiagnosticStatus]) -> bool:
    return bool(states) and (states[-1].level, states[-1].message) == (DiagnosticStatus.OK, "ready")


def state_of(graph: Graph, name: str) -> int:
    state: int = graph.call(GetState, f"{name}/get_state", GetState.Request()).current_state.id
    return state


def test_nodes_come_up_in_order_and_a_killed_one_again_without_the_goal_that_ran(graph: Graph) -> None:
    states = graph.collect(DiagnosticStatus, "manager/state", LATCHED)
    manager = graph.start(MODULE)
    graph.until(lambda: bool(states) and states[-1].message.startswith("governor_node "), "it is missed")
    fusion = graph.start(FUSION, *WAITING, "autostart:=false")
    graph.until(lambda: values(states[-1])["fusion_node"] == "unconfigured", "the fusion node is there")
    assert not graph.call(Trigger, "manager/is_active", Trigger.Request()).success
    governor = graph.start(GOVERNOR, "autostart:=false")
    graph.until(lambda: is_ready(states), "all that are needed are active")
    earlier = [values(each) for each in states if values(each)["governor_node"] != "active"]
    assert {each["fusion_node"] for each in earlier} <= {"unknown", "unconfigured"}, "the governor is first"
    assert graph.call(Trigger, "manager/is_active", Trigger.Request()).message == "ready"
    joined = graph.collect(DiagnosticStatus, "manager/state", LATCHED)
    graph.until(lambda: is_ready(joined), "who joins later is told")

    ended = begin(graph)
    told = len(states)
    graph.end_at_once(governor)
    governor = graph.start(GOVERNOR, "autostart:=false")
    assert graph.answer(ended, "the goal ends").result.outcome == "stopped"
    graph.until(
        lambda: is_ready(states[told + 1 :]) and not is_ready(states[told : told + 1]), "it was told and is over"
    )
    ticks = graph.collect(FusionState, "fusion/state")
    graph.until(lambda: len(ticks) > 30, "the fusion node ticks")
    assert {tick.instruction for tick in ticks} == {""}

    printed = graph.end(manager, signal.SIGINT)
    assert printed.count("[manager_node]: ready") == 2
    assert state_of(graph, "governor_node") == state_of(graph, "fusion_node") == State.PRIMARY_STATE_ACTIVE
    for process in (fusion, governor):
        graph.end(process, signal.SIGINT)


def begin(graph: Graph) -> Any:
    """A grasp that goes on for as long as it may."""
    client = graph.action_client(Grasp, "grasp")
    assert client.wait_for_server(timeout_sec=LIMIT_S)
    told: list[Any] = []
    while not told:  # refused, too, until the governor was heard
        goal = Grasp.Goal(instruction="pick up the red cube")
        send = partial(client.send_goal_async, goal, lambda message: graph.note(told, message))
        asked = graph.asked(graph.result(send, "the goal is answered").get_result_async)
        graph.until(lambda: bool(told) or (asked.done() and asked.result().done()), "it runs, or is refused")  # noqa: B023
    return asked


def test_why_a_node_cannot_come_up_is_told_in_its_words_and_what_somebody_took_down_is_left(graph: Graph) -> None:
    reports = graph.collect(DiagnosticArray, "/diagnostics")

    def bond() -> Any:
        items = [
            each for report in reports for each in report.status if each.name == "manager_node: bond governor_node"
        ]
        return items[-1] if items else DiagnosticStatus()

    def governed(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert graph.call(ChangeState, "governor_node/change_state", request).success

    manager = graph.start(MODULE, "bring_up.nodes:=[governor_node]", "bring_up.optional:=['']")
    wrong = graph.start(GOVERNOR, "autostart:=false", "topics.twist:=/a", "topics.gripper:=/a")
    graph.until(
        lambda: "governor_node cannot configure: governor_node cannot become inactive: " in bond().message, "why"
    )
    assert bond().level == DiagnosticStatus.ERROR
    graph.end(wrong, signal.SIGINT)
    graph.until(lambda: "not on the network" in bond().message, "it is gone")
    governor = graph.start(GOVERNOR, "autostart:=false")
    graph.until(lambda: bond().level == DiagnosticStatus.OK and bond().name != "", "another comes up")
    governed(Transition.TRANSITION_DEACTIVATE)
    graph.until(lambda: "was made inactive by somebody" in bond().message, "it is told who")
    told = len(reports)
    graph.until(lambda: len(reports) > told + 6, "time passes")
    assert state_of(graph, "governor_node") == State.PRIMARY_STATE_INACTIVE
    graph.call(Trigger, "manager/startup", Trigger.Request())
    graph.until(lambda: bond().level == DiagnosticStatus.OK, "it is brought up again")
    graph.call(Trigger, "manager/reset", Trigger.Request())
    graph.until(lambda: state_of(graph, "governor_node") == State.PRIMARY_STATE_UNCONFIGURED, "it is taken down")
    for process in (manager, governor):
        graph.end(process, signal.SIGINT)


def test_settings_that_cannot_be_are_one_sentence_and_exit_code_2(refusal: Callable[..., str]) -> None:
    said = refusal(manager_node.main, "bring_up.optional:=['ear']")
    assert said.startswith("parameters bring_up.* of manager_node: bring_up.optional must hold some of bring_up.nodes")
    assert said.count("\n") == 1
