"""A governor that is killed and started again is reached by every sender, over real DDS in processes of their own.

python test_governor_restarts.py STREAM is one of these senders: wrench, joints or policy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TwistStamped, WrenchStamped
from node_graph import READY_RAD, Graph
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from autoglm_embodied.config import shipped
from autoglm_embodied.graph.domain import environment
from autoglm_embodied.graph.launch import parameters, start_node
from autoglm_embodied.graph.processes import Processes
from autoglm_embodied.ingest.cdr import WrenchWriter
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.qos import COMMANDS, FAST, LATCHED
from autoglm_embodied.safety.limits import Reason

STREAMS: dict[str, tuple[str, type[Any], QoSProfile, float]] = {
    "wrench": ("force_torque_sensor_broadcaster/wrench", WrenchStamped, FAST, 1000.0),
    "joints": ("joint_states", JointState, FAST, 1000.0),
    "policy": ("policy/delta_twist", TwistStamped, COMMANDS, 100.0),
}
SILENT = {Reason.WRENCH_SILENT.value, Reason.JOINTS_SILENT.value, Reason.POLICY_SILENT.value}
RESTARTS = 6
GAP_S = 1.0  # from the end to the next start: when the senders notice that nobody listens any more
PATIENT = {f"limits.{name}_timeout_ns": 1_000_000_000 for name in ("wrench", "policy", "sensor")}  # of a busy machine


def message_of(stream: str) -> Callable[[], Any]:
    """Makes the messages of a stream; the noise of a wrench is never twice the same."""
    robot, random = Robot.from_file(shipped("panda.yaml")), np.random.default_rng(0)
    wrenches = WrenchWriter(robot.wrench_frame)
    joints = JointStateWriter(robot.base_frame, robot.joint_names)
    twist = TwistStamped()
    twist.header.frame_id = robot.base_frame
    made = {
        "wrench": lambda: wrenches.write(time.time_ns(), random.normal(0.0, 0.5, 6)),
        "joints": lambda: joints.write(time.time_ns(), np.array(READY_RAD), np.zeros(7)),
        "policy": lambda: twist,
    }
    return made[stream]


def send(stream: str) -> None:
    """Publish a stream until this process is ended."""
    topic, kind, qos, hz = STREAMS[stream]
    rclpy.init()
    node = rclpy.create_node(f"{stream}_sender", start_parameter_services=False)
    publisher, make = node.create_publisher(kind, topic, qos), message_of(stream)
    while True:
        publisher.publish(make())
        time.sleep(1.0 / hz)


@pytest.fixture
def senders(domain: int) -> Iterator[None]:
    """Each stream from a process of its own, as from the drivers of a robot."""
    own = environment(domain, os.environ)
    running = [subprocess.Popen([sys.executable, __file__, stream], env=own) for stream in STREAMS]
    yield
    for process in running:
        process.kill()
        process.wait()


def silent(states: list[DiagnosticStatus], since: int) -> set[str]:
    """What the newest state of a governor finds silent; all before its first verdict, which has reasons."""
    told = [pair.value for state in states[since:] for pair in state.values if pair.key == "reasons"]
    return SILENT & set(told[-1].split(", ")) if any(told) else SILENT


@pytest.mark.slow
@pytest.mark.usefixtures("senders")
def test_a_governor_that_is_killed_and_started_again_is_reached_each_time(
    graph: Graph, domain: int, tmp_path: Path
) -> None:
    states = graph.collect(DiagnosticStatus, "governor/state", LATCHED)
    processes = Processes(tmp_path, os.environ)
    try:
        for number in range(RESTARTS):
            since = len(states)
            start_node(processes, "governor_node", domain, *parameters(**PATIENT))
            governor = processes.running[-1].popen
            graph.until(lambda since=since: not silent(states, since), f"governor {number} is reached")  # type: ignore[misc]
            assert shared_memory(governor.pid) == []
            governor.kill()
            governor.wait()
            time.sleep(GAP_S)
    finally:
        processes.stop()


def shared_memory(pid: int) -> list[str]:
    """Ports and segments of Fast DDS that a process has open."""
    return [each.path for each in psutil.Process(pid).memory_maps() if "/dev/shm/fast" in each.path]


if __name__ == "__main__":
    send(sys.argv[1])
