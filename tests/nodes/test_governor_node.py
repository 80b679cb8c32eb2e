"""The governor over real DDS: a silent policy and a spoken stop leave the arm standing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from autoglm_embodied_interfaces.msg import VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_graph import Graph, publish_hand_at_rest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from autoglm_embodied.ros.conversions import to_twist, twist_array
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, LATCHED

pytestmark = pytest.mark.slow
MODULE = "autoglm_embodied.nodes.governor_node"
WISH = np.array([0.1, 0.0, 0.05, 0.0, 0.0, 0.0])
POLICY_TIMEOUT_S = 0.1
SLACK_S = 0.4  # of a machine with other things to do


class Policy:
    """Wishes the same at 50 Hz unless it rests or is silent."""

    def __init__(self, graph: Graph) -> None:
        self.silent = Event()
        self.rests = Event()
        self.last_s = 0.0
        self._twists = graph.node.create_publisher(TwistStamped, "policy/delta_twist", COMMANDS)
        self._widths = graph.node.create_publisher(Float64MultiArray, "policy/gripper_width", COMMANDS)
        graph.node.create_timer(0.02, self._wish)

    def _wish(self) -> None:
        if self.silent.is_set():
            return
        message = TwistStamped(twist=to_twist(0.0 * WISH if self.rests.is_set() else WISH))
        message.header.frame_id = "panda_link0"
        self._twists.publish(message)
        self._widths.publish(Float64MultiArray(data=[0.05]))
        self.last_s = time.monotonic()


@pytest.fixture(scope="module")
def policy(graph: Graph) -> Policy:
    publish_hand_at_rest(graph)
    return Policy(graph)


@pytest.fixture(scope="module")
def twists(graph: Graph) -> list[Any]:
    return graph.collect(TwistStamped, "servo_node/delta_twist_cmds")


@pytest.fixture
def governor(
    graph: Graph, policy: Policy, twists: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The process of a governor that lets the policy move the arm, which was never stopped."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    policy.silent.clear()
    process = graph.start(MODULE)
    moves_after_rest(graph, policy, twists)
    yield process
    if process.returncode is None:
        graph.end(process, signal.SIGTERM)


def moves_after_rest(graph: Graph, policy: Policy, twists: list[Any]) -> None:
    """The policy rests for a moment, and then the arm moves."""
    policy.rests.set()
    told = len(twists)
    graph.until(lambda: len(twists) > told + 30, "the governor governs")
    policy.rests.clear()
    graph.until(lambda: np.allclose(twist_array(twists[-1].twist), WISH), "the arm moves")


def stays(graph: Graph, twists: list[Any], what: str) -> None:
    """Half a second in which the arm stands and the policy wishes it to move."""
    told = len(twists)
    graph.until(lambda: len(twists) >= told + 50, what)
    assert all(still(message) for message in twists[told:])


def still(message: TwistStamped) -> bool:
    return not twist_array(message.twist).any()


@pytest.mark.usefixtures("governor")
def test_a_silent_policy_stops_the_arm_after_its_timeout(graph: Graph, policy: Policy, twists: list[Any]) -> None:
    policy.silent.set()
    graph.until(lambda: still(twists[-1]), "the arm stands")
    assert time.monotonic() - policy.last_s < POLICY_TIMEOUT_S + SLACK_S
    reports = graph.collect(DiagnosticArray, "/diagnostics")

    def items() -> dict[str, Any]:
        return {status.name: status for status in reports[-1].status} if reports else {}

    def silent() -> bool:
        policy = items().get("governor_node: policy")
        return policy is not None and policy.level == DiagnosticStatus.ERROR and "is silent" in policy.message

    graph.until(silent, "the reason is told")
    values = {pair.key: pair.value for item in items().values() for pair in item.values}
    assert float(values["output_hz"]) > 0 and int(values["wrench_received"]) > 0
    assert items()["governor_node: lifecycle"].level == items()["governor_node: latch"].level == DiagnosticStatus.OK
    policy.silent.clear()
    graph.until(lambda: not still(twists[-1]), "the arm moves again")


@pytest.mark.usefixtures("governor")
def test_a_spoken_stop_holds_until_resumed_and_keeps_the_grip(graph: Graph, policy: Policy, twists: list[Any]) -> None:
    widths = graph.collect(Float64MultiArray, "gripper_controller/commands")
    voice = graph.publisher(VoiceCommand, "voice/command", EVENTS)
    graph.until(lambda: bool(widths), "the gripper is commanded")
    said_s = time.monotonic()
    voice.publish(VoiceCommand(intent=VoiceCommand.STOP, text="stop"))
    graph.until(lambda: still(twists[-1]), "the arm stands")
    assert time.monotonic() - said_s < SLACK_S
    gripped_at = len(widths)
    stays(graph, twists, "half a second passes")
    assert all(message.data[0] == pytest.approx(0.025) for message in widths[gripped_at:])
    assert graph.call(Trigger, "resume", Trigger.Request()).success
    stays(graph, twists, "it is resumed, and the policy goes on")
    moves_after_rest(graph, policy, twists)


@pytest.mark.usefixtures("governor")
def test_a_limit_set_while_the_arm_moves_holds_at_once_and_none_is_raised(graph: Graph, twists: list[Any]) -> None:
    def told(limit_m_s: float) -> Any:
        change = Parameter("limits.max_linear_m_s", value=limit_m_s).to_parameter_msg()
        return graph.call(SetParameters, "governor_node/set_parameters", SetParameters.Request(parameters=[change]))

    assert told(0.02).results[0].successful
    graph.until(lambda: np.linalg.norm(twist_array(twists[-1].twist)) < 0.0201, "the arm is slower")
    answer = told(0.3).results[0]
    assert not answer.successful and "must be at most 0.02 while the arm moves, got 0.3" in answer.reason
    assert "Min: 0.001, Max: 3" in told(-5.0).results[0].reason
    at = len(twists)
    graph.until(lambda: len(twists) > at + 10, "the governor governs")
    assert np.linalg.norm(twist_array(twists[-1].twist)) == pytest.approx(0.02)


def test_a_stop_outlives_a_killed_governor_and_who_joins_later_is_told(
    graph: Graph, policy: Policy, governor: Any, twists: list[Any]
) -> None:
    assert "by service" in graph.call(Trigger, "stop", Trigger.Request()).message
    graph.end_at_once(governor)
    told = len(twists)
    again = graph.start(MODULE)
    graph.until(lambda: len(twists) > told, "the next one governs")
    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    graph.until(lambda: bool(states), "whoever joins is told")
    assert states[-1].level == DiagnosticStatus.ERROR and states[-1].message.startswith("stopped since ")
    stays(graph, twists, "the wrench at start-up is known")
    assert graph.call(Trigger, "resume", Trigger.Request()).message.startswith("free to move")
    graph.until(lambda: states[-1].level == DiagnosticStatus.OK, "the end of the stop is told")
    stays(graph, twists, "the policy went on all the time")
    moves_after_rest(graph, policy, twists)
    graph.end(again, signal.SIGTERM)


def test_every_way_down_leaves_the_arm_standing_and_a_stop_is_taken_in_every_state(
    graph: Graph, policy: Policy, governor: Any, twists: list[Any]
) -> None:
    def change(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert graph.call(ChangeState, "governor_node/change_state", request).success

    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    change(Transition.TRANSITION_DEACTIVATE)
    graph.until(
        lambda: bool(states) and states[-1].message.startswith("not governed: governor_node is inactive"), "told"
    )
    graph.until(lambda: still(twists[-1]), "the last command is to stand")
    told = len(twists)
    assert graph.call(Trigger, "stop", Trigger.Request()).success
    graph.until(lambda: states[-1].level == DiagnosticStatus.ERROR, "the stop is told")
    change(Transition.TRANSITION_CLEANUP)
    graph.until(lambda: not graph.node.count_publishers("servo_node/delta_twist_cmds"), "nobody commands the robot")
    assert len(twists) == told
    change(Transition.TRANSITION_CONFIGURE)
    change(Transition.TRANSITION_ACTIVATE)
    policy.rests.set()
    stays(graph, twists, "the policy rests")
    policy.rests.clear()
    stays(graph, twists, "it came up stopped")
    assert graph.call(Trigger, "resume", Trigger.Request()).success
    moves_after_rest(graph, policy, twists)
    change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    graph.until(lambda: still(twists[-1]), "the last command is to stand")
    assert graph.call(Trigger, "stop", Trigger.Request()).message.startswith("stopped since")
    graph.end(governor, signal.SIGINT)


def test_a_signal_ends_it_cleanly_with_the_arm_standing(graph: Graph, governor: Any, twists: list[Any]) -> None:
    graph.end(governor, signal.SIGINT)
    graph.until(lambda: still(twists[-1]), "its last command is to stand")


def test_an_impossible_limit_is_one_sentence_and_exit_code_2(graph: Graph) -> None:
    process = graph.start(MODULE, "limits.max_force_n:=-3.0")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 2
    assert output == "parameter limits.max_force_n of governor_node must be from 0.1 to 1000, got -3.0\n"
