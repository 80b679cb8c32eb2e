"""Two robots on one graph, each in a namespace with settings of its own: neither hears, limits or stops the other."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import TwistStamped
from node_graph import LIMIT_S, Graph, finds_governor, publish_hand_at_rest
from std_srvs.srv import Trigger

from autoglm_embodied.nodes.operator_node import OperatorNode
from autoglm_embodied.ros.conversions import stamp_ns, to_twist, twist_array
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, LATCHED
from autoglm_embodied.safety.stop_latch import latch_file

pytestmark = pytest.mark.slow
GOVERNOR, FUSION = "autoglm_embodied.nodes.governor_node", "autoglm_embodied.nodes.fusion_node"
LIMIT_M_S = {"r1": 0.05, "r2": 0.2}
WISH = np.array([0.25, 0.0, 0.1, 0.0, 0.0, 0.0])  # more than either may
TURN = 100  # of a governor's commands
PATIENT = tuple(f"limits.{name}_timeout_ns:=10000000000" for name in ("policy", "sensor", "wrench"))
OF_ALL_ROBOTS = {"/diagnostics", "/rosout", "/parameter_events"}
TRY = Grasp.Goal(instruction="pick up the red cube")


class Robot:
    """Sensors, a policy that rests, wishes or is silent, and what comes of it, of one robot."""

    def __init__(self, graph: Graph, name: str, folder: Path) -> None:
        self.name = name
        self.wishes, self.silent = Event(), Event()
        self._graph = graph
        publish_hand_at_rest(graph, f"{name}/")
        self.twists = graph.collect(TwistStamped, f"{name}/servo_node/delta_twist_cmds")
        self.states = graph.collect(DiagnosticStatus, f"{name}/governor/state", LATCHED)
        self._policy = graph.node.create_publisher(TwistStamped, f"{name}/policy/delta_twist", COMMANDS)
        self._timer = graph.node.create_timer(0.01, self._command)
        self._file = folder / f"{name}.yaml"
        self._file.write_text(
            f"/**/governor_node:\n  ros__parameters:\n    limits:\n      max_linear_m_s: {LIMIT_M_S[name]}\n"
        )
        self.governor = self.govern()

    def govern(self) -> Any:
        """Start its governor."""
        options = ["-r", f"__ns:=/{self.name}", "--params-file", str(self._file)]
        self.governor = self._graph.start(GOVERNOR, *PATIENT, options=options)
        return self.governor

    def moves_after_rest(self) -> None:
        """The policy rests and wishes in turn until the arm moves as fast as it may."""
        told = len(self.twists)

        def moves() -> bool:
            (self.wishes.set if (len(self.twists) - told) // TURN % 2 else self.wishes.clear)()
            return len(self.twists) > told + TURN and self.speed_m_s() == pytest.approx(LIMIT_M_S[self.name])

        self._graph.until(moves, f"{self.name} moves at its limit")
        self.wishes.set()

    def speed_m_s(self, at: int = -1) -> float:
        """Of a command."""
        return float(np.linalg.norm(twist_array(self.twists[at].twist)[:3])) if self.twists else 0.0

    def speeds_m_s(self, count: int) -> list[float]:
        """Of so many commands from now on."""
        told = len(self.twists)
        self._graph.until(lambda: len(self.twists) >= told + count, f"{self.name} is commanded {count} times")
        return [self.speed_m_s(at) for at in range(told, told + count)]

    def stopped(self) -> tuple[bool, bool]:
        """By what its governor tells, and by its file."""
        path = latch_file(self._graph.context.get_domain_id(), f"/{self.name}", os.environ)
        told = bool(self.states) and self.states[-1].level == DiagnosticStatus.ERROR
        return told, json.loads(path.read_text())["stopped"]

    def _command(self) -> None:
        if not self.silent.is_set():
            message = TwistStamped(twist=to_twist(WISH * self.wishes.is_set()))
            message.header.frame_id = "panda_link0"
            self._policy.publish(message)


@pytest.fixture(scope="module")
def robots(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Robot]]:
    folder = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        both = [Robot(graph, name, folder) for name in LIMIT_M_S]
        graph.until(lambda: all(robot.states for robot in both), "both governors tell their state")
        yield both


def test_each_is_limited_by_its_own_file_and_a_twist_to_one_never_reaches_the_other(robots: list[Robot]) -> None:
    for robot, other in (robots, robots[::-1]):
        other.wishes.clear()
        assert not any(other.speeds_m_s(TURN)[TURN // 2 :])
        robot.moves_after_rest()
        assert not any(other.speeds_m_s(TURN))
        assert max(robot.speed_m_s(at) for at in range(len(robot.twists))) == pytest.approx(LIMIT_M_S[robot.name])


def test_a_stop_of_one_stops_that_alone_even_as_its_governor_is_killed_and_started_again(
    graph: Graph, robots: list[Robot]
) -> None:
    for robot in robots:
        robot.moves_after_rest()
    first, second = robots
    assert graph.call(Trigger, "r1/stop", Trigger.Request()).success
    graph.until(lambda: first.stopped() == (True, True), "the stop is told and kept")
    assert not first.speed_m_s()
    graph.end_at_once(first.governor)
    told = len(first.states)
    first.govern()
    graph.until(lambda: len(first.states) > told, "the next governor tells its state")
    first.wishes.clear()
    first.speeds_m_s(TURN)  # rest
    first.wishes.set()
    assert not any(first.speeds_m_s(TURN)) and first.stopped() == (True, True)
    assert min(second.speeds_m_s(TURN)) > 0.0 and second.stopped() == (False, False)
    assert graph.call(Trigger, "r1/resume", Trigger.Request()).success
    first.moves_after_rest()


def test_a_governor_that_is_started_again_moves_nothing_before_the_policy_rested(
    graph: Graph, robots: list[Robot]
) -> None:
    first, _ = robots
    first.moves_after_rest()
    graph.end_at_once(first.governor)
    told = len(first.twists)
    first.govern()
    graph.until(lambda: len(first.twists) > told + 2 * TURN, "the next governor commands")
    assert not any(first.speed_m_s(at) for at in range(told + TURN // 2, told + 2 * TURN))
    assert "policy not at rest since the stop" in {pair.key: pair.value for pair in first.states[-1].values}["reasons"]
    first.moves_after_rest()


def test_all_that_a_governor_is_known_by_is_below_its_namespace(graph: Graph, robots: list[Robot]) -> None:
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    for robot in robots:
        of_node = "governor_node", f"/{robot.name}"
        asked = (
            graph.node.get_publisher_names_and_types_by_node,
            graph.node.get_subscriber_names_and_types_by_node,
            graph.node.get_service_names_and_types_by_node,
        )
        graph.until(lambda: of_node in graph.node.get_node_names_and_namespaces(), "it is there")  # noqa: B023
        names = {name for ask in asked for name, _ in ask(*of_node)} - OF_ALL_ROBOTS
        assert len(names) > 10 and all(name.startswith(f"/{robot.name}/") for name in names), names

    def told() -> set[str]:
        return {status.name.partition("/")[0] for report in reports for status in report.status}

    graph.until(lambda: told() == set(LIMIT_M_S), "the diagnostics tell of both")


def test_the_operators_view_of_one_robot_shows_nothing_of_the_other(graph: Graph) -> None:
    lines: list[str] = []
    with OperatorNode(partial(graph.note, lines), "r1"):
        reports = graph.publisher(DiagnosticArray, "/diagnostics", EVENTS, listeners=1)
        for name in ("r2", "r1"):
            answers = graph.publisher(DiagnosticStatus, f"{name}/voice/feedback", EVENTS, listeners=int(name == "r1"))
            answers.publish(DiagnosticStatus(message=f"heard by {name}"))
            state = [KeyValue(key="state", value=f"listening for {name}")]
            reports.publish(DiagnosticArray(status=[DiagnosticStatus(name=f"{name}/voice_node: voice", values=state)]))
        for text in ("heard by r1", "listening for r1"):
            graph.until(lambda: any(text in line for line in lines), text)  # noqa: B023
    assert not any("r2" in line for line in lines)


def test_a_file_of_another_robot_ends_the_governor_with_one_sentence(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "r1.yaml"
    path.write_text("/r1/governor_node:\n  ros__parameters:\n    limits.max_linear_m_s: 0.01\n")
    process = graph.start(GOVERNOR, options=["-r", "__ns:=/r2", "--params-file", str(path)])
    said, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 2
    assert said.endswith("sets nothing of /r2/governor_node, but of /r1/governor_node; name it /**/governor_node\n")


def test_a_goal_is_of_one_robot_and_ends_with_its_node_which_does_not_take_it_up_again(
    graph: Graph, robots: list[Robot], checkpoint: Path
) -> None:
    """Without a camera the arm stands, for as long as it may be blind."""
    for robot in robots:
        robot.silent.set()
    settings = (f"checkpoint:={checkpoint}", "grasp.blind_s:=1000.0", "grasp.timeout_s:=1000.0")
    start = {name: partial(graph.start, FUSION, *settings, options=["-r", f"__ns:=/{name}"]) for name in LIMIT_M_S}
    states = {name: graph.collect(FusionState, f"{name}/fusion/state") for name in LIMIT_M_S}
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    nodes = {name: begin() for name, begin in start.items()}
    clients = {name: graph.action_client(Grasp, f"{name}/grasp") for name in LIMIT_M_S}

    def instruction(name: str) -> Any:
        return states[name][-1].instruction if states[name] else ""

    def begins(name: str) -> Any:
        assert clients[name].wait_for_server(timeout_sec=LIMIT_S)
        graph.until(lambda: finds_governor(reports, f"{name}/fusion_node"), f"{name} finds its governor")
        handle = graph.result(lambda: clients[name].send_goal_async(TRY), "the goal is accepted")
        ended = graph.asked(handle.get_result_async)
        graph.until(partial(instruction, name), f"{name} tries")
        return ended

    ended = {"r1": begins("r1")}
    assert instruction("r2") == ""
    ended["r2"] = begins("r2")
    voice = graph.publisher(VoiceCommand, "r2/voice/command", EVENTS, listeners=2)
    voice.publish(VoiceCommand(intent=VoiceCommand.STOP, text="stop"))
    assert graph.answer(ended["r2"], "the goal of r2 ends").result.outcome == "stopped"
    assert instruction("r1") == TRY.instruction and robots[0].stopped() == (False, False)
    graph.end_at_once(nodes["r1"])
    killed_ns = time.time_ns()
    nodes["r1"] = start["r1"]()

    def again() -> list[str]:
        return [state.instruction for state in states["r1"] if stamp_ns(state.header.stamp) > killed_ns]

    graph.until(lambda: len(again()) > 30, "r1 ticks again")
    assert set(again()) == {""}
    assert not any(robots[0].speeds_m_s(TURN))
    for process in (*nodes.values(), *(robot.governor for robot in robots)):
        graph.end(process, signal.SIGINT)
