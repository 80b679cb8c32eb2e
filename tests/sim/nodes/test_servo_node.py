from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from autoglm_embodied_sim.gazebo.systems import COMMAND_TOPIC
from autoglm_embodied_sim.sensors.sensor_specs import PANDA
from node_graph import Graph

from autoglm_embodied.config import shipped
from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.kinematics import Robot, forward_kinematics

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated")]  # rclpy's parser
MODULE = "autoglm_embodied_sim.nodes.servo_node"
ROBOT = Robot.from_file(shipped("panda.yaml"))
NAMES = [*ROBOT.joint_names, *ROBOT.finger_joint_names]
PERIOD_NS = 4_000_000


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with private_domain() as (domain, _), pytest.MonkeyPatch.context() as patch:
        for name, value in environment(domain, os.environ).items():
            patch.setenv(name, value)
        with Graph(domain) as made:
            yield made


class Follower:
    """Joints that are at once where they are told to be, in a time of their own."""

    def __init__(self, graph: Graph) -> None:
        from geometry_msgs.msg import TwistStamped
        from sensor_msgs.msg import JointState
        from trajectory_msgs.msg import JointTrajectory

        from autoglm_embodied.ros.qos import COMMANDS, FAST

        self._graph, self._twist_type = graph, TwistStamped
        self.told = graph.collect(JointTrajectory, COMMAND_TOPIC, COMMANDS)
        self._joints = graph.publisher(JointState, "joint_states", FAST)
        self._twist = graph.publisher(TwistStamped, "servo_node/delta_twist_cmds", COMMANDS)
        self._writer = JointStateWriter("panda_link0", NAMES)
        self._time_ns, self._wanted = 7_000_000_000, 0
        graph.node.create_timer(1e-9 * PERIOD_NS, self._say)

    def step(self) -> Any:
        """One period on, or more where a sample gets lost, as it may; returns what the joints are told then."""
        self._wanted = len(self.told) + 1
        self._graph.until(lambda: len(self.told) >= self._wanted, "set-points")
        return self.told[-1]

    def push(self, speed_m_s: float) -> None:
        message = self._twist_type()
        message.twist.linear.x = speed_m_s
        self._twist.publish(message)

    def tool_m(self) -> Any:
        return forward_kinematics(ROBOT, self._position()[: ROBOT.joints])[:3, 3]

    def _position(self) -> Any:
        return np.array(self.told[-1].points[0].positions if self.told else [*PANDA.home_rad, 0.04, 0.04])

    def _say(self) -> None:
        """Where the joints are, again and again until they are told where to be."""
        if len(self.told) < self._wanted:
            self._time_ns += PERIOD_NS
            self._joints.publish(self._writer.write(self._time_ns, self._position(), np.zeros(len(NAMES))))


def test_twists_become_set_points_of_all_joints_and_a_signal_ends_it(graph: Graph) -> None:
    process = graph.start(MODULE)
    follower = Follower(graph)
    message = follower.step()
    assert (list(message.joint_names), len(message.points)) == (NAMES, 1)
    start_m = follower.tool_m()
    for _ in range(50):
        follower.push(0.1)
        follower.step()
    assert follower.tool_m()[0] > start_m[0] + 0.005
    graph.end(process, signal.SIGTERM)


@pytest.mark.parametrize(
    ("parameter", "named"), [("robot_file:=nowhere.yaml", "nowhere.yaml"), ("command_topic:=3", "command_topic")]
)
def test_bad_parameters_give_one_sentence(refusal: Callable[..., str], parameter: str, named: str) -> None:
    from autoglm_embodied_sim.nodes import servo_node

    said = refusal(servo_node.main, parameter)
    assert named in said and "Traceback" not in said
