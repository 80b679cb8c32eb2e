"""The fusion node from start to end: its lifecycle, a signal in the middle of a grasp, bad settings."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_graph import LIMIT_S, Graph, publish_grey_images, publish_hand_at_rest, start_governor

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.nodes import fusion_node
from autoglm_embodied.policy.distribution_guard import GuardSettings

pytestmark = pytest.mark.slow
MODULE = "autoglm_embodied.nodes.fusion_node"
WAY = [
    (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
    (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
    (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
    (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
    (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
    (Transition.TRANSITION_CLEANUP, State.PRIMARY_STATE_UNCONFIGURED),
    (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
    (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
    (Transition.TRANSITION_ACTIVE_SHUTDOWN, State.PRIMARY_STATE_FINALIZED),
]


@pytest.mark.parametrize("policy", ["learned", "named", "script"])
def test_every_transition_there_and_back_and_a_clean_end(graph: Graph, checkpoint: Path, policy: str) -> None:
    states = graph.collect(FusionState, "fusion/state")
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    simulated = policy == "script"  # with the time of a simulator that does not run
    parameters = f"checkpoint:={checkpoint}", f"policy:={policy}", f"use_sim_time:={simulated}".lower()
    process = graph.start(MODULE, "autostart:=false", *parameters)
    client = graph.action_client(Grasp, "grasp")
    for transition, state in WAY:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert graph.call(ChangeState, "fusion_node/change_state", request).success
        assert graph.call(GetState, "fusion_node/get_state", GetState.Request()).current_state.id == state
        if state == State.PRIMARY_STATE_ACTIVE:
            told = len(states)
            graph.until(lambda told=told: len(states) > told + 3, "it ticks")  # type: ignore[misc]
            result = refusal(graph, client)
            assert result.message.startswith("no time comes on /clock" if simulated else "No governor tells its state")
            level = DiagnosticStatus.ERROR if simulated else DiagnosticStatus.OK
            graph.until(partial(clock_is, reports, level), "the diagnostics tell of the clock")
        configured = state in (State.PRIMARY_STATE_INACTIVE, State.PRIMARY_STATE_ACTIVE)
        subscribers = int(configured and policy == "script")
        listens = partial(graph.node.count_subscribers, "sim/object_mask")
        graph.until(lambda: listens() == subscribers, f"{subscribers} listen")  # noqa: B023
    assert "/fusion_node/get_state" in services(graph)
    graph.until(lambda: not client.server_is_ready() and "/tare" not in services(graph), "action and service are gone")
    graph.end(process, signal.SIGTERM)


def clock_is(reports: list[DiagnosticArray], level: bytes) -> bool:
    """Whether the diagnostics tell so of the fusion node's clock."""
    return level in {status.level for each in reports for status in each.status if status.name == "fusion_node: clock"}


def refusal(graph: Graph, client: Any) -> Any:
    """The result of a goal that cannot even begin."""
    assert client.wait_for_server(timeout_sec=LIMIT_S)
    goal = graph.result(lambda: client.send_goal_async(Grasp.Goal(instruction="pick up the red cube")), "an answer")
    answer = graph.result(goal.get_result_async, "a result").result
    assert answer.outcome == "stopped"
    return answer


def services(graph: Graph) -> set[str]:
    """All that are there."""
    return {name for name, _ in graph.node.get_service_names_and_types()}


def test_a_signal_in_the_middle_of_a_grasp_ends_it_cleanly(graph: Graph, checkpoint: Path) -> None:
    publish_hand_at_rest(graph)
    publish_grey_images(graph)
    process = graph.start(MODULE, f"checkpoint:={checkpoint}", "grasp.look_ticks:=1000000", "grasp.blind_s:=1000.0")
    governor = start_governor(graph)
    client = graph.action_client(Grasp, "grasp")
    assert client.wait_for_server(timeout_sec=LIMIT_S)
    told: list[Grasp.Feedback] = []
    goal = Grasp.Goal(instruction="pick up the red cube")
    follow = partial(client.send_goal_async, goal, lambda message: graph.note(told, message.feedback))
    handle = graph.result(follow, "the goal is accepted")
    graph.until(lambda: len(told) > 3 and len(told[-1].gate_weight) == 4, "the grasp runs and tells how it goes")
    ended = graph.asked(handle.get_result_async)
    process.send_signal(signal.SIGINT)
    assert graph.answer(ended, "the grasp ends").result.outcome == "stopped"
    graph.end(process, signal.SIGINT)
    graph.end(governor, signal.SIGINT)


def test_a_guard_of_a_policy_whose_training_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"guard\.enabled of fusion_node is for the policy learned alone"):
        fusion_node._check_guard(GuardSettings(enabled=True), "named")


def test_images_unlike_training_end_a_guarded_grasp_and_are_told(graph: Graph) -> None:
    publish_hand_at_rest(graph)
    publish_grey_images(graph)
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    process = graph.start(MODULE, "guard.enabled:=true", "grasp.look_ticks:=1000000", "grasp.timeout_s:=1000.0")
    governor = start_governor(graph)
    client = graph.action_client(Grasp, "grasp")
    assert client.wait_for_server(timeout_sec=LIMIT_S)
    goal = Grasp.Goal(instruction="pick up the red cube")
    handle = graph.result(lambda: client.send_goal_async(goal), "the goal is accepted")
    answer = graph.result(handle.get_result_async, "the grasp ends").result
    assert (answer.outcome, answer.code) == ("unfamiliar", 403) and "unlike training" in answer.message

    def told() -> bool:
        guards = [status for each in reports for status in each.status if status.name == "fusion_node: guard"]
        return any(status.level == DiagnosticStatus.ERROR and "held still" in status.message for status in guards)

    graph.until(told, "the diagnostics tell that it holds")
    graph.end(process, signal.SIGINT)
    graph.end(governor, signal.SIGINT)


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ("checkpoint:=/nowhere/at/all", "no checkpoint in /nowhere/at/all"),
        ("camera_file:=/nowhere/camera.yaml", "cannot read settings from /nowhere/camera.yaml"),
        (
            "work_area.origin_m:=[0.5]",
            "parameters work_area.* of fusion_node: work_area.origin_m must hold x, y and z, got [0.5]",
        ),
        ("policy:=luck", "parameter policy of fusion_node must be one of learned"),
        ("command_limit_ns:=20000000", "parameter command_limit_ns of fusion_node must be more than the 33333333 ns"),
        ("tick_hz:=fast", "parameter tick_hz of fusion_node must be a float"),
    ],
)
def test_bad_settings_are_one_sentence_and_exit_code_2(
    refusal: Callable[..., str], parameter: str, sentence: str
) -> None:
    said = refusal(fusion_node.main, parameter)
    assert said.startswith(sentence) and said.count("\n") == 1
