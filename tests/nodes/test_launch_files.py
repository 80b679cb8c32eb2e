"""The launch files as ROS 2 launch runs them: on machines that have it, which the package index does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from node_graph import LIMIT_S, Graph
from std_srvs.srv import Trigger

from autoglm_embodied.ros.qos import LATCHED

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PACKAGE, SIM, NODES = "autoglm_embodied", "autoglm_embodied_sim", "autoglm_embodied.nodes"
INDEX = "share/ament_index/resource_index/packages"
GOVERNOR = f"{NODES}.governor_node"
RUN = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
given = [tuple(each.split(":=", 1)) for each in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
service.include_launch_description(IncludeLaunchDescription(source, launch_arguments=given))
sys.exit(service.run())
"""
Launch = Callable[..., Any]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as colcon would install them, without a fusion node, which loads for long."""
    pytest.importorskip("launch_ros", reason="ROS 2 launch comes with a distribution alone")
    folder = tmp_path_factory.mktemp("prefix")
    for package in (PACKAGE, SIM):
        for name in (f"share/{package}", f"lib/{package}", INDEX):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / INDEX / package).touch()
    for name in ("launch", "config"):
        (folder / "share" / PACKAGE / name).symlink_to(ROOT / name)
    python = {
        f"{PACKAGE}/{name}": f"exec {sys.executable} -m {NODES}.{name}" for name in ("manager_node", "governor_node")
    }
    simulator = {f"{SIM}/sim_node": f"exec {sys.executable} -m {SIM}.nodes.sim_node"}
    for name, does in (python | simulator | {f"{PACKAGE}/fusion_node": "exec echo"}).items():
        command = folder / "lib" / name
        command.write_text(f'#!/bin/sh\n{does} "$@"\n')
        command.chmod(0o755)
    return folder


@pytest.fixture
def launch(prefix: Path, graph: Graph, tmp_path: Path) -> Iterator[Launch]:
    """Starts a launch file without a voice node; at the end it is interrupted, and what it printed is returned."""
    paths = f"{prefix}{os.pathsep}{os.environ.get('AMENT_PREFIX_PATH', '')}"
    environment = os.environ | {
        "AMENT_PREFIX_PATH": paths,
        "XDG_STATE_HOME": str(tmp_path),
        "ROS_LOG_DIR": str(tmp_path),
    }

    @contextmanager
    def started(*given: str, file: str = "robot.launch.py") -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-c", RUN, str(ROOT / "launch" / file), "voice:=false", *given]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LIMIT_S)

    with ExitStack() as stack:
        yield lambda *given, **options: stack.enter_context(started(*given, **options))


def lifecycle(reports: list[DiagnosticArray], name: str) -> set[str]:
    """The states that the diagnostics tell of a node."""
    items = [status for report in reports for status in report.status if status.name == f"{name}: lifecycle"]
    return {pair.value for item in items for pair in item.values if pair.key == "state"}


def pairs(states: list[DiagnosticStatus]) -> set[tuple[str, str]]:
    """All that they tell."""
    return {(pair.key, pair.value) for state in states for pair in state.values}


def governor_under(launched: subprocess.Popen[str]) -> psutil.Process | None:
    for process in psutil.Process(launched.pid).children(recursive=True):
        with suppress(psutil.Error):  # it ended
            if GOVERNOR in process.cmdline():
                return process
    return None


def test_nodes_come_up_in_the_namespace_and_wait_for_startup_where_autostart_is_false(
    launch: Launch, graph: Graph
) -> None:
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    for name, autostart, state in (("r1", "true", "active"), ("r2", "false", "unconfigured")):
        launch(f"namespace:={name}", f"autostart:={autostart}", "log_level:=error")
        graph.until(lambda: state in lifecycle(reports, f"{name}/governor_node"), f"{name} is {state}")  # noqa: B023
    assert lifecycle(reports, "r2/governor_node") == {"unconfigured"}
    assert graph.call(Trigger, "r2/manager/startup", Trigger.Request()).success
    graph.until(lambda: "active" in lifecycle(reports, "r2/governor_node"), "r2 is active")


def printed_until(launched: subprocess.Popen[str], awaited: str) -> list[str]:
    """The lines up to one that holds it, or all where none does."""
    printed = []
    for line in launched.stdout or ():
        printed.append(line)
        if awaited in line:
            break
    return printed


@pytest.mark.parametrize(
    ("file", "given", "node", "said"),
    [
        (
            *("robot.launch.py", "governor_file:=/nowhere/mine.yaml", "governor_node-2"),
            "cannot read settings from /nowhere/mine.yaml: No such file or directory; name a file that is there",
        ),
        ("sim.launch.py", "seed:=many", "sim_node-4", "seed"),
    ],
)
def test_what_cannot_be_ends_its_node_with_one_sentence_and_none_goes_on_with_other_settings(
    launch: Launch, file: str, given: str, node: str, said: str
) -> None:
    printed = printed_until(launch(given, file=file), f"[{node}]: process has")
    assert "exit code 2" in printed[-1], printed
    (sentence,) = [line for line in printed if line.startswith(f"[{node}]")]
    assert said in sentence


@pytest.mark.parametrize("file", ["robot.launch.py", "sim.launch.py", "teleop.launch.py"])
@pytest.mark.parametrize("argument", ["voice", "respawn", "autostart", "use_sim_time", "log_level"])
def test_an_argument_that_cannot_be_is_refused_by_its_name_before_any_node_starts(
    launch: Launch, file: str, argument: str
) -> None:
    launched = launch(f"{argument}:=perhaps", file=file)
    printed, _ = launched.communicate(timeout=LIMIT_S)
    assert launched.returncode == 1 and f'"{argument}" provided value "perhaps" is not valid' in printed
    assert "process started" not in printed


def test_with_debug_messages_those_of_the_nodes_are_not_lost_among_those_of_ros(launch: Launch) -> None:
    printed = printed_until(launch("namespace:=r4", "log_level:=debug"), "governor_node is to activate")
    assert "governor_node is to activate" in printed[-1]
    assert not [line for line in printed if "[rcl]" in line]


def test_a_stopped_governor_that_is_killed_comes_back_by_itself_and_stopped(launch: Launch, graph: Graph) -> None:
    states = graph.collect(DiagnosticStatus, "r3/governor/state", LATCHED)
    launched = launch("namespace:=r3", "respawn:=true", "log_level:=error")
    assert graph.call(Trigger, "r3/stop", Trigger.Request()).success
    graph.until(lambda: bool(states) and states[-1].level == DiagnosticStatus.ERROR, "the stop is told")
    killed = governor_under(launched)
    assert killed is not None
    killed.kill()
    graph.until(lambda: (again := governor_under(launched)) is not None and again.pid != killed.pid, "it starts again")
    told = len(states)
    graph.until(lambda: ("node", "active") in pairs(states[told:]), "the manager brings it up")
    assert {state.level for state in states[told:]} == {DiagnosticStatus.ERROR}
    assert graph.call(Trigger, "r3/resume", Trigger.Request()).success
