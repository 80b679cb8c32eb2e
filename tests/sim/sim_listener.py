"""The simulator's node as a process, and a listener to all that it publishes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from autoglm_embodied.graph.domain import environment, private_domain

MODULE = "autoglm_embodied_sim.nodes.sim_node"
RATES_HZ = {"wrench": 1000, "joints": 1000, "rgb": 30, "depth": 30, "info": 30}


class Listener:
    """A node of its own context that meters every topic of the simulator."""

    def __init__(self, domain: int) -> None:
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.stamps: dict[str, list[int]] = {name: [] for name in RATES_HZ}
        self.last: dict[str, Any] = {}
        self._subscribe()

    def _subscribe(self) -> None:
        from geometry_msgs.msg import TwistStamped, WrenchStamped
        from rclpy.qos import QoSProfile
        from sensor_msgs.msg import CameraInfo, Image, JointState

        from autoglm_embodied.ros.polled_subscription import PolledSubscription
        from autoglm_embodied.ros.qos import COMMANDS, FAST, FRAMES

        def take(name: str) -> Callable[[Any], None]:
            return lambda message: self._take(name, message)

        wrench = "force_torque_sensor_broadcaster/wrench"
        self._fast = [
            PolledSubscription(self.node, WrenchStamped, wrench, take("wrench"), FAST),
            PolledSubscription(self.node, JointState, "joint_states", take("joints"), FAST),
        ]
        many = QoSProfile(depth=100, reliability=FRAMES.reliability)  # a busy machine may starve this process
        self.node.create_subscription(Image, "camera/color/image_raw", take("rgb"), many)
        self.node.create_subscription(Image, "camera/depth/image_raw", take("depth"), many)
        self.node.create_subscription(CameraInfo, "camera/color/camera_info", take("info"), many)
        self.twist = self.node.create_publisher(TwistStamped, "servo_node/delta_twist_cmds", COMMANDS)

    def _take(self, name: str, message: Any) -> None:
        stamp = message.header.stamp
        self.stamps[name].append(stamp.sec * 10**9 + stamp.nanosec)
        self.last[name] = message

    def spin(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.01)
            for subscription in self._fast:
                subscription.poll()
            meanwhile()

    def simulate(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Spin for this long by the stamps, which lag behind the wall clock on a busy machine."""
        end_ns = self.stamps["joints"][-1] + round(seconds * 1e9)
        while self.stamps["joints"][-1] < end_ns:
            self.spin(0.01, meanwhile)

    def simulate_until(
        self, condition: Callable[[Any], bool], limit_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Spin until the joints are so: a busy machine brings them, and what is commanded, late."""
        end_ns = self.stamps["joints"][-1] + round(limit_s * 1e9)
        while not condition(self.last["joints"]):
            assert self.stamps["joints"][-1] < end_ns, f"not within {limit_s:g} s of the simulator"
            self.spin(0.01, meanwhile)

    def call(self, service: str) -> dict[str, Any]:
        from std_srvs.srv import Trigger

        client = self.node.create_client(Trigger, service)
        assert client.wait_for_service(timeout_sec=60)
        future = client.call_async(Trigger.Request())
        while not future.done():
            self.spin(0.05)
        assert future.result().success
        answer: dict[str, Any] = json.loads(future.result().message)
        return answer

    def push(self, speed_m_s: float) -> None:
        from geometry_msgs.msg import TwistStamped

        message = TwistStamped()
        message.twist.linear.y = speed_m_s
        self.twist.publish(message)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


Graph = tuple[Listener, subprocess.Popen[bytes]]


@contextmanager
def served(*arguments: str) -> Iterator[Graph]:
    """The node as a process, and a listener to it."""
    with private_domain() as (domain, _), pytest.MonkeyPatch.context() as patch:
        for name, value in environment(domain, os.environ).items():
            patch.setenv(name, value)
        camera = environment(domain, os.environ, sends_frames=True)
        process = subprocess.Popen([sys.executable, "-m", MODULE, "--ros-args", *arguments], env=camera)
        listener = Listener(domain)
        try:
            yield listener, process
        finally:
            listener.close()
            if process.poll() is None:
                process.kill()
                process.wait()
