from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autoglm_embodied_sim.nodes.stepper import TOO_LATE_NS

from autoglm_embodied.demo.graph import environment, private_domain

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated")]  # rclpy's parser

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

        from autoglm_embodied.nodes.polled import PolledSubscription
        from autoglm_embodied.nodes.qos import COMMANDS, FAST, FRAMES

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

    def call(self, service: str) -> dict[str, Any]:
        from std_srvs.srv import Trigger

        client = self.node.create_client(Trigger, service)
        assert client.wait_for_service(timeout_sec=20)
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


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with served("-p", "seed:=11") as made:
        yield made


def test_every_step_and_frame_arrives_at_its_rate(graph: Graph) -> None:
    listener, _ = graph
    while len(listener.last) < len(RATES_HZ):
        listener.spin(0.2)
    listener.simulate(1.0)
    begun = {name: len(stamps) for name, stamps in listener.stamps.items()}
    listener.simulate(5.0)
    for name, stamps in listener.stamps.items():
        gaps_ns = np.diff(stamps[begun[name] :])
        gaps_ns = gaps_ns[gaps_ns < TOO_LATE_NS]  # on a hopelessly busy machine time may jump
        assert len(gaps_ns) > 0
        assert abs(gaps_ns - 1e9 / RATES_HZ[name]).max() < 1e6, name  # frames fall on whole milliseconds


def test_frames_and_intrinsics_share_stamp_size_and_frame(graph: Graph) -> None:
    listener, _ = graph
    listener.spin(0.5)
    rgb, depth, info = (listener.last[name] for name in ("rgb", "depth", "info"))
    assert rgb.header.frame_id == depth.header.frame_id == info.header.frame_id == "camera_color_optical_frame"
    assert (rgb.width, rgb.height, rgb.encoding) == (640, 480, "rgb8")
    assert (depth.width, depth.height, depth.encoding) == (640, 480, "16UC1")
    assert (info.width, info.height) == (640, 480)


def test_a_twist_moves_the_arm_and_silence_stops_it(graph: Graph) -> None:
    listener, _ = graph
    start = list(listener.last["joints"].position)
    listener.simulate(1.5, lambda: listener.push(0.1))
    moved = list(listener.last["joints"].position)
    assert abs(moved[0] - start[0]) > 0.1
    listener.simulate(1.0)
    assert max(abs(velocity) for velocity in listener.last["joints"].velocity[:7]) < 0.01


def test_each_reset_lays_out_the_scene_of_the_next_seed(graph: Graph) -> None:
    listener, _ = graph
    first, second = listener.call("sim/reset"), listener.call("sim/reset")
    assert (first["seed"], second["seed"]) == (11, 12)
    assert len(first["things"]) == 3
    assert first["things"] != second["things"]
    assert {"colour", "shape", "size_m", "position_m"} <= set(first["things"][0])


def test_the_cameras_keep_their_beat_over_a_reset(graph: Graph) -> None:
    listener, _ = graph
    while len(listener.last) < len(RATES_HZ):
        listener.spin(0.2)
    begun = len(listener.stamps["rgb"])
    for _ in range(4):
        listener.call("sim/reset")
        listener.simulate(0.21)
    gaps_ns = np.diff(listener.stamps["rgb"][begun:])
    assert len(gaps_ns) > 10
    assert abs(gaps_ns - 1e9 / RATES_HZ["rgb"]).max() < 1e6


def test_judge_shakes_in_real_time_and_finds_an_empty_hand(graph: Graph) -> None:
    listener, _ = graph
    before_ns = listener.stamps["wrench"][-1]
    answer = listener.call("sim/judge")
    assert answer["held"] == []
    assert [thing["held"] for thing in answer["things"]] == [False] * 3
    assert listener.stamps["wrench"][-1] - before_ns > 4e9


def test_a_signal_ends_it_with_status_0(graph: Graph) -> None:
    _, process = graph
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_its_sensors_are_those_of_its_sensors_file(tmp_path: Path) -> None:
    path = tmp_path / "sensors.yaml"
    path.write_text(
        "wrench: {timing: {rate_hz: 200, dropout: 0.1}}\n"
        "colour: {timing: {rate_hz: 10}}\ndepth: {timing: {rate_hz: 20, latency_ns: 100000000}}"
    )
    with served("-p", f"sensors_file:={path}") as (listener, _):
        while len(listener.last) < len(RATES_HZ):
            listener.spin(0.2)
        begun = {name: len(stamps) for name, stamps in listener.stamps.items()}
        listener.simulate(4.0)
        for name, gap_ms in {"wrench": 5.0, "joints": 1.0, "rgb": 100.0, "depth": 50.0, "info": 100.0}.items():
            gaps_ms = np.diff(listener.stamps[name][begun[name] :]) / 1e6
            assert np.median(gaps_ms) == gap_ms, name
        gaps = np.rint(np.diff(listener.stamps["wrench"][begun["wrench"] :]) / 5e6)
        assert 0.03 < 1 - len(gaps) / gaps.sum() < 0.2


def test_an_impossible_sensors_file_ends_it_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "sensors.yaml"
    path.write_text("wrench: {timing: {rate_hz: -1}}")
    argv = [sys.executable, "-m", MODULE, "--ros-args", "-p", f"sensors_file:={path}"]
    with private_domain() as (domain, _):
        ended = subprocess.run(argv, env=environment(domain, os.environ), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert f"{path}: wrench: timing: rate_hz must be above 0" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_egl_it_says_what_to_install() -> None:
    with private_domain() as (domain, _):
        blind = environment(domain, os.environ) | {"__EGL_VENDOR_LIBRARY_DIRS": "/nowhere"}
        ended = subprocess.run([sys.executable, "-m", MODULE], env=blind, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "libegl1" in ended.stderr
    assert "Traceback" not in ended.stderr
