"""The governor over real DDS: a silent policy and a spoken stop leave the arm standing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from autoglm_embodied_interfaces.msg import VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TwistStamped, WrenchStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_graph import Graph, publish_hand_at_rest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_msgs.msg import Bool, Float64MultiArray
from std_srvs.srv import Trigger

from autoglm_embodied.nodes import governor_node
from autoglm_embodied.ros.conversions import stamp_ns, to_twist, twist_array
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, FAST, LATCHED
from autoglm_embodied.ros.ticker import GOVERNOR_PRIORITY, real_time_threads
from autoglm_embodied.ros.watchdogs import STARTED

pytestmark = pytest.mark.slow
MODULE = "autoglm_embodied.nodes.governor_node"
WISH = np.array([0.1, 0.0, 0.05, 0.0, 0.0, 0.0])
PATIENT = tuple(f"limits.{name}_timeout_ns:=10000000000" for name in ("policy", "sensor", "wrench"))
"""Whoever sends to the governor here, or all of this machine, may not be scheduled for seconds."""
TURN = 100  # of the governor's commands


class Policy:
    """Wishes the same at 100 Hz unless it rests or is silent."""

    def __init__(self, graph: Graph) -> None:
        self.silent = Event()
        self.rests = Event()
        self._twists = graph.node.create_publisher(TwistStamped, "policy/delta_twist", COMMANDS)
        self._widths = graph.node.create_publisher(Float64MultiArray, "policy/gripper_width", COMMANDS)
        graph.node.create_timer(0.01, self._wish)

    def _wish(self) -> None:
        if self.silent.is_set():
            return
        message = TwistStamped(twist=to_twist(0.0 * WISH if self.rests.is_set() else WISH))
        message.header.frame_id = "panda_link0"
        self._twists.publish(message)
        self._widths.publish(Float64MultiArray(data=[0.05]))


@pytest.fixture(scope="module")
def policy(graph: Graph) -> Policy:
    publish_hand_at_rest(graph)
    return Policy(graph)


@pytest.fixture(scope="module")
def twists(graph: Graph) -> list[Any]:
    return graph.collect(TwistStamped, "servo_node/delta_twist_cmds")


def started(graph: Graph, policy: Policy, twists: list[Any]) -> Any:
    """The process of a governor that lets the policy move the arm, which was never stopped."""
    policy.silent.clear()
    process = graph.start(MODULE, *PATIENT)
    moves_after_rest(graph, policy, twists)
    return process


@pytest.fixture(scope="module")
def governor(
    graph: Graph, policy: Policy, twists: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """One for several tests, the last of which ends it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield started(graph, policy, twists)


@pytest.fixture
def own_governor(
    graph: Graph, policy: Policy, twists: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """One for a test alone, which ends it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return started(graph, policy, twists)


def moves_after_rest(graph: Graph, policy: Policy, twists: list[Any]) -> None:
    """The policy rests and wishes in turn until the arm moves: a governor that is not found yet hears no rest."""
    told = len(twists)

    def moves() -> bool:
        in_turn = (len(twists) - told) // TURN % 2
        (policy.rests.clear if in_turn else policy.rests.set)()
        return len(twists) > told + TURN and np.allclose(twist_array(twists[-1].twist), WISH)

    graph.until(moves, "the arm moves")
    policy.rests.clear()


def stays(graph: Graph, twists: list[Any], what: str) -> None:
    """Half a second from now on in which the arm stands and the policy wishes it to move."""
    told, now_ns = len(twists), time.time_ns()
    graph.until(lambda: len(since(now_ns, twists[told:])) >= 50, what)
    assert all(map(still, since(now_ns, twists[told:])))


def since(begin_ns: int, twists: list[Any]) -> list[Any]:
    """Those that were sent since then; others may still be on their way."""
    return [message for message in twists if stamp_ns(message.header.stamp) >= begin_ns]


def still(message: TwistStamped) -> bool:
    return not twist_array(message.twist).any()


@pytest.mark.usefixtures("governor")
def test_a_spoken_stop_holds_until_resumed_and_keeps_the_grip(graph: Graph, policy: Policy, twists: list[Any]) -> None:
    widths = graph.collect(Float64MultiArray, "gripper_controller/commands")
    voice = graph.publisher(VoiceCommand, "voice/command", EVENTS)
    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    graph.until(lambda: bool(widths), "the gripper is commanded")
    voice.publish(VoiceCommand(intent=VoiceCommand.STOP, text="stop"))
    graph.until(lambda: bool(states) and states[-1].level == DiagnosticStatus.ERROR, "the stop is told")
    gripped_at = len(widths)
    stays(graph, twists, "half a second passes")
    assert all(message.data[0] == pytest.approx(0.025) for message in widths[gripped_at:])
    assert graph.call(Trigger, "resume", Trigger.Request()).success
    stays(graph, twists, "it is resumed, and the policy goes on")
    moves_after_rest(graph, policy, twists)


@pytest.mark.usefixtures("governor")
def test_above_its_force_limit_the_arm_is_halted_before_it_backs_off(
    graph: Graph, policy: Policy, twists: list[Any]
) -> None:
    wrenches = graph.publisher(WrenchStamped, "force_torque_sensor_broadcaster/wrench", FAST)
    wrench = WrenchStamped()
    wrench.wrench.force.z = 100.0
    graph.until(lambda: bool(twists) and np.allclose(twist_array(twists[-1].twist), WISH), "the arm moves")
    begun = len(twists)
    wrench.header.stamp = graph.node.get_clock().now().to_msg()
    wrenches.publish(wrench)

    def others() -> list[Any]:
        return [twist for message in twists[begun:] if not np.allclose(twist := twist_array(message.twist), WISH)]

    graph.until(lambda: any(twist @ WISH < 0.0 for twist in others()), "the arm backs off")
    assert not others()[0].any()
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


@pytest.mark.usefixtures("governor")
def test_a_silent_policy_stops_the_arm_and_one_that_is_heard_again_moves_it(
    graph: Graph, policy: Policy, twists: list[Any]
) -> None:
    """After which time is shown in tests/safety, on a clock of their own."""
    change = Parameter("limits.policy_timeout_ns", value=100_000_000).to_parameter_msg()
    request = SetParameters.Request(parameters=[change])
    assert graph.call(SetParameters, "governor_node/set_parameters", request).results[0].successful
    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    policy.silent.set()
    graph.until(lambda: still(twists[-1]), "the arm stands")

    def told() -> str:
        return next((pair.value for pair in states[-1].values if pair.key == "reasons"), "") if states else ""

    graph.until(lambda: "policy silent" in told(), "the reason is told at once")
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


def test_it_and_its_middleware_run_before_all_others_where_real_time_priority_is_granted(governor: Any) -> None:
    with real_time_threads(GOVERNOR_PRIORITY):
        expected = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    threads = [task for task in Path(f"/proc/{governor.pid}/task").iterdir()]
    names = {int(task.name): (task / "comm").read_text() for task in threads}
    needed = [governor.pid, *(thread for thread, name in names.items() if name.startswith("dds."))]
    assert len(needed) > 3
    for thread in needed:
        assert (os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority) == expected, names[thread]


def test_a_signal_ends_it_cleanly_with_the_arm_standing(graph: Graph, governor: Any, twists: list[Any]) -> None:
    graph.end(governor, signal.SIGINT)
    graph.until(lambda: still(twists[-1]), "its last command is to stand")


def test_a_stop_outlives_a_killed_governor_and_who_joins_later_is_told(
    graph: Graph, policy: Policy, own_governor: Any, twists: list[Any]
) -> None:
    before = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    assert "by service" in graph.call(Trigger, "stop", Trigger.Request()).message
    graph.until(lambda: bool(before), "it tells its state")
    graph.end_at_once(own_governor)
    told, killed_ns = len(twists), time.time_ns()
    again = graph.start(MODULE, *PATIENT)
    graph.until(lambda: bool(since(killed_ns, twists[told:])), "the next one governs")
    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    graph.until(lambda: bool(states), "whoever joins is told")
    assert states[-1].level == DiagnosticStatus.ERROR and states[-1].message.startswith("stopped since ")
    starts = [{pair.value for pair in state.values if pair.key == STARTED} for state in (before[0], states[-1])]
    assert all(starts) and starts[0] != starts[1], "whoever saw the one before can tell"
    stays(graph, twists, "the wrench at start-up is known")
    assert graph.call(Trigger, "resume", Trigger.Request()).message.startswith("free to move")
    graph.until(lambda: states[-1].level == DiagnosticStatus.OK, "the end of the stop is told")
    stays(graph, twists, "the policy went on all the time")
    moves_after_rest(graph, policy, twists)
    graph.end(again, signal.SIGTERM)


def test_one_that_is_killed_and_brought_up_again_by_a_manager_stands_whatever_the_policy_wishes(
    graph: Graph, policy: Policy, twists: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bond() -> tuple[bytes, dict[str, str]]:
        items = [
            status
            for report in reports
            for status in report.status
            if status.name == "manager_node: bond governor_node"
        ]
        return (items[-1].level, {pair.key: pair.value for pair in items[-1].values}) if items else (b"", {})

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    policy.silent.clear()
    manager = graph.start(
        "autoglm_embodied.nodes.manager_node", "bring_up.nodes:=[governor_node]", "bring_up.optional:=['']"
    )
    governor = graph.start(MODULE, *PATIENT, "autostart:=false")
    moves_after_rest(graph, policy, twists)
    graph.end_at_once(governor)
    graph.until(lambda: bond()[0] == DiagnosticStatus.ERROR, "the loss is told")
    told, killed_ns = len(twists), time.time_ns()
    again = graph.start(MODULE, *PATIENT, "autostart:=false")
    graph.until(lambda: bool(since(killed_ns, twists[told:])), "it governs again")
    stays(graph, twists, "the policy goes on all the time")
    graph.until(lambda: bond()[0] == DiagnosticStatus.OK, "the trouble is over")
    assert bond()[1] == {"state": "active", "losses": "1"}
    moves_after_rest(graph, policy, twists)
    for process in (manager, again):
        graph.end(process, signal.SIGINT)


def test_every_way_down_leaves_the_arm_standing_and_a_stop_is_taken_in_every_state(
    graph: Graph, policy: Policy, own_governor: Any, twists: list[Any]
) -> None:
    def change(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert graph.call(ChangeState, "governor_node/change_state", request).success

    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    change(Transition.TRANSITION_DEACTIVATE)
    inactive_ns = time.time_ns()
    graph.until(
        lambda: bool(states) and states[-1].message.startswith("not governed: governor_node is inactive"), "told"
    )
    graph.until(lambda: still(twists[-1]), "the last command is to stand")
    assert graph.call(Trigger, "stop", Trigger.Request()).success
    graph.until(lambda: states[-1].level == DiagnosticStatus.ERROR, "the stop is told")
    change(Transition.TRANSITION_CLEANUP)
    graph.until(lambda: not graph.node.count_publishers("servo_node/delta_twist_cmds"), "nobody commands the robot")
    assert still(twists[-1]) and not since(inactive_ns, twists)
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
    graph.end(own_governor, signal.SIGINT)


def test_with_a_deadman_the_arm_moves_only_while_it_is_held(
    graph: Graph, policy: Policy, twists: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    process = graph.start(MODULE, *PATIENT, "deadman.required:=true")
    deadman = graph.publisher(Bool, "deadman", COMMANDS)
    graph.until(lambda: bool(states) and "deadman to be held" in states[-1].message, "it is told what is missing")
    assert states[-1].level == DiagnosticStatus.WARN, "no grasp begins or goes on"
    policy.silent.clear()
    stays(graph, twists, "nobody holds it")
    holding = graph.node.create_timer(0.05, lambda: deadman.publish(Bool(data=True)))
    moves_after_rest(graph, policy, twists)
    graph.node.destroy_timer(holding)
    graph.until(lambda: still(twists[-1]), "it is not heard any more")
    graph.end(process, signal.SIGTERM)


def test_an_impossible_limit_is_one_sentence_and_exit_code_2(refusal: Callable[..., str]) -> None:
    said = refusal(governor_node.main, "limits.max_force_n:=-3.0")
    assert said == "parameter limits.max_force_n of governor_node must be from 0.1 to 1000, got -3.0\n"
