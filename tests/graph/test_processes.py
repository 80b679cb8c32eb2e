"""Processes of a run: what dies early is named with its last log line, and nothing is left at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoglm_embodied.errors import SetupError
from autoglm_embodied.graph import domain as graph
from autoglm_embodied.graph.launch import start_node
from autoglm_embodied.graph.processes import RUN_ID, Processes, kill_leftover_processes, leftover_processes, new_run_id
from autoglm_embodied.ros.ticker import WHOLE_PROCESS

LIMIT_S = 60.0
LOOPBACK = "<address>127.0.0.1</address>"

OBEDIENT = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # one that comes before it is waited for is kept
print("up", flush=True)
signal.sigwait([signal.SIGINT])
"""

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; it is no unit under test that sleeps."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def processes(tmp_path: Path, run_id: dict[str, str]) -> Processes:
    (tmp_path / "obedient.py").write_text(OBEDIENT)
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    return Processes(tmp_path / "log", os.environ | run_id | {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"})


def test_a_process_that_dies_is_named_with_its_last_log_line(tmp_path: Path) -> None:
    running = processes(tmp_path, new_run_id())
    running.start("reader", "json.tool")  # has nothing to read and says so
    until(lambda: running.running[0].popen.poll() is not None)
    with pytest.raises(SetupError, match="reader ended with status 1: Expecting value"):
        running.check()


def test_waiting_ends_with_the_last_process_and_names_one_that_failed_or_did_not_end(tmp_path: Path) -> None:
    running = processes(tmp_path, new_run_id())
    running.start("lister", "calendar", "2026")
    running.wait(LIMIT_S)
    running.start("reader", "json.tool")
    with pytest.raises(SetupError, match="reader ended with status 1: Expecting value"):
        running.wait(LIMIT_S)
    running.running.clear()
    running.start("stubborn", "stubborn")
    with pytest.raises(SetupError, match="stubborn did not end within 0 s"):
        running.wait(0.1)
    running.stop({signal.SIGKILL: LIMIT_S})


def test_a_process_that_follows_the_first_request_ended_clean(tmp_path: Path) -> None:
    run_id = new_run_id()
    running = processes(tmp_path, run_id)
    obedient = running.start("obedient", "obedient")
    until(lambda: "up" in obedient.log.read_text())
    running.check()
    assert [ended.clean for ended in running.stop({signal.SIGINT: LIMIT_S})] == [True]
    assert leftover_processes(run_id) == []


def test_a_process_that_ignores_requests_is_ended_with_its_children(tmp_path: Path) -> None:
    run_id = new_run_id()
    running = processes(tmp_path, run_id)
    stubborn = running.start("stubborn", "stubborn")
    until(lambda: "up" in stubborn.log.read_text())
    assert len(leftover_processes(run_id)) == 2
    ended = running.stop({signal.SIGINT: 0.3, signal.SIGTERM: LIMIT_S})[0]
    assert (ended.ended_by, ended.clean) == (signal.SIGTERM, False)
    assert leftover_processes(run_id) == []


def test_a_child_in_a_group_of_its_own_is_a_leftover_and_killed() -> None:
    run_id = new_run_id()
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"],
        env=os.environ | run_id,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"up\n"
        assert [process.pid for process in leftover_processes(run_id)] == [child.pid]
        (ended,) = kill_leftover_processes(run_id)
        assert ended.endswith(f"({child.pid})")
        child.wait(LIMIT_S)
    assert leftover_processes(run_id) == []


def test_killing_the_starter_ends_what_it_started(tmp_path: Path) -> None:
    run_id = new_run_id()
    script = (
        "import sys, os; from pathlib import Path; from autoglm_embodied.graph.processes import Processes\n"
        "started = Processes(Path(sys.argv[1]), os.environ).start('server', 'http.server', '-b', '127.0.0.1', '0')\n"
        "print('up', flush=True); started.popen.wait()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    told = os.environ | run_id | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=told, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None and starter.stdout.readline() == b"up\n"
        until(lambda: "Serving" in (tmp_path / "server.log").read_text())
        starter.kill()
    until(lambda: leftover_processes(run_id) == [])


def test_two_graphs_never_share_a_domain() -> None:
    with graph.private_domain() as (first, _), graph.private_domain() as (second, _):
        assert first != second


def test_a_full_range_of_domains_is_one_sentence() -> None:
    with graph.private_domain() as (taken, _):
        with pytest.raises(SetupError, match="in use"), graph.private_domain(range(taken, taken + 1)):
            pass


def test_a_graph_keeps_to_this_machine_with_transports_for_frames() -> None:
    environment = graph.environment(77, {RUN_ID: "kept"})
    assert environment["ROS_DOMAIN_ID"] == "77" and environment[RUN_ID] == "kept"
    profile = Path(environment["FASTDDS_DEFAULT_PROFILES_FILE"]).read_text()
    assert "segment_size" in profile and re.findall("<interfaceWhiteList>\\s*(.*)", profile) == [LOOPBACK]


def test_a_process_without_shared_memory_has_loopback_alone_and_no_range_that_would_add_it() -> None:
    older = {"ROS_LOCALHOST_ONLY": "1", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    environment = graph.environment(77, older, shared_memory=False)
    profile = Path(environment["FASTDDS_DEFAULT_PROFILES_FILE"]).read_text()
    assert "SHM" not in profile and re.findall("<interfaceWhiteList>\\s*(.*)", profile) == [LOOPBACK]
    assert environment["ROS_LOCALHOST_ONLY"] == "0" and environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] != "LOCALHOST"


@pytest.mark.parametrize("real_time", [False, True])
def test_a_governor_comes_before_the_simulator_only_where_that_is_asked_for(real_time: bool) -> None:
    class Started:
        def start(self, *_: str, environment: dict[str, str]) -> None:
            self.environment = environment

    started: Any = Started()
    start_node(started, "governor_node", 77, real_time=real_time)
    assert (started.environment.get(WHOLE_PROCESS) == "0") is not real_time
