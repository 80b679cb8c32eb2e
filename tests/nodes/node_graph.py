"""A private ROS graph for the tests of the nodes: real processes, real DDS, waits that end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import WrenchStamped
from rclpy.action import ActionClient
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.conversions import image_message
from autoglm_embodied.ros.qos import FAST, FRAMES

LIMIT_S = 100.0  # torch alone may take half a minute to import on a busy machine
LOOK_S = 0.2  # between two looks at what no message tells of, such as who is there
MANY = QoSProfile(depth=1000)  # whoever is not scheduled for seconds misses no message
HAND_WEIGHT_N = 7.2
NOISE_N = 0.05
READY_RAD = [0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785]


class Graph:
    """A node that spins in a thread of its own, and the processes started beside it."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        self.context.init(domain_id=domain)
        self.node = Node("tester", context=self.context, start_parameter_services=False)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._changed = Condition()
        self._processes: list[subprocess.Popen[str]] = []
        self._ending = Event()
        self._thread = Thread(target=self._spin)
        self._thread.start()

    def start(self, module: str, *parameters: str, options: Sequence[str] = ()) -> subprocess.Popen[str]:
        """A process of a node with parameters and other options of ROS."""
        arguments = [*options, *(argument for pair in parameters for argument in ("-p", pair))]
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--ros-args", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        return process

    def end(self, process: subprocess.Popen[str], number: int) -> str:
        """Ask a process to end, by signal; it must do so cleanly. Returns what it printed."""
        process.send_signal(number)
        output, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0 and "Traceback" not in output, output
        return output

    def end_at_once(self, process: subprocess.Popen[str]) -> None:
        """End a process by SIGKILL."""
        process.kill()
        process.wait()

    def end_all_at_once(self) -> None:
        """End every process that still runs by SIGKILL."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self._processes.clear()

    def spin(self, node: Node) -> None:
        """Spin another node, too."""
        self._executor.add_node(node)

    def publisher(self, message_type: type[Any], topic: str, qos: Any, listeners: int = 1) -> Any:
        """A publisher to which so many listen."""
        quiet = PublisherEventCallbacks(use_default_callbacks=False)  # rclpy's own warn in a deprecated way
        publisher = self.node.create_publisher(message_type, topic, qos, event_callbacks=quiet)
        self.until(lambda: publisher.get_subscription_count() >= listeners, f"{listeners} listen to {topic}")
        return publisher

    def collect(self, message_type: type[Any], topic: str, qos: Any = MANY) -> list[Any]:
        messages: list[Any] = []
        self.node.create_subscription(message_type, topic, lambda message: self.note(messages, message), qos)
        return messages

    def until(self, condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait for a message, a future, or what else makes `condition` true."""
        deadline_s = time.monotonic() + limit_s
        with self._changed:
            while not (met := condition()) and time.monotonic() < deadline_s:
                self._changed.wait(LOOK_S)
        if met:
            return
        raise AssertionError(f"{what}: not within {limit_s:g} s; the processes printed:\n{self._printed()}")

    def call(self, service: type[Any], name: str, request: Any) -> Any:
        client = self.node.create_client(service, name)
        assert client.wait_for_service(timeout_sec=LIMIT_S), f"service {name} is not there"
        return self.result(lambda: client.call_async(request), name)

    def action_client(self, action: type[Any], name: str) -> Any:
        """A client of an action, whose server may come later.

        It is made in the executor's thread, which else may wait for one that is half made (rclpy 7.1.6 to 9.1.2).
        """
        made = self._executor.create_task(lambda: ActionClient(self.node, action, name))
        self.until(made.done, f"a client of {name} is made")
        return made.result()

    def result(self, ask: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
        """The result of the future that `ask` gives."""
        return self.answer(self.asked(ask), what, limit_s)

    def asked(self, ask: Callable[[], Any]) -> Any:
        """A task of the future that `ask` gives, which runs in the executor's thread.

        An action client that sends from another thread misses an answer that comes at once (rclpy 9.1.2).
        """
        return self._executor.create_task(lambda: self._watched(ask()))

    def answer(self, asked: Any, what: str, limit_s: float = LIMIT_S) -> Any:
        """What came of `asked`."""
        self.until(lambda: asked.done() and asked.result().done(), what, limit_s)
        return asked.result().result()

    def _watched(self, future: Any) -> Any:
        future.add_done_callback(lambda _: self.note([], None))
        return future

    def _printed(self) -> str:
        """What every process printed, which ends here: the test has failed."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        outputs = [process.communicate(timeout=LIMIT_S)[0] for process in self._processes if process.stdout]
        return "\n---\n".join(outputs)

    def __enter__(self) -> Graph:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_all_at_once()
        self._ending.set()
        self._thread.join()  # first: an executor that spins must not be shut down by another thread (rclpy 7.1.6)
        self._executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def note(self, messages: list[Any], message: Any) -> None:
        """Keep a message and look at the conditions again."""
        with self._changed:
            messages.append(message)
            self._changed.notify_all()

    def _spin(self) -> None:
        while not self._ending.is_set():
            try:
                self._executor.spin_once(timeout_sec=LOOK_S)
            except InvalidHandle:  # rclpy 9.1.2, where the tests' thread destroys a publisher that is just waited for
                continue


def start_governor(graph: Graph, *parameters: str) -> subprocess.Popen[str]:
    """A governor, found by the fusion node that runs already."""
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    process = graph.start("autoglm_embodied.nodes.governor_node", *parameters)
    graph.until(lambda: finds_governor(reports), "the fusion node finds the governor")
    return process


def finds_governor(reports: list[DiagnosticArray], node: str = "fusion_node") -> bool:
    """Whether the newest of these says that a fusion node hears a governor."""
    items = [status for report in reports for status in report.status if status.name == f"{node}: governor"]
    return bool(items) and ("governed", "1") in {(pair.key, pair.value) for pair in items[-1].values}


def publish_hand_at_rest(graph: Graph, namespace: str = "") -> None:
    """Wrench and joint states at 100 Hz; with noise, for a wrench that never changes is a stuck sensor's.

    Args:
        graph: that they are published on.
        namespace: such as r1/.
    """
    noise = np.random.default_rng(0)
    robot = Robot.from_file(shipped("panda.yaml"))
    wrenches = graph.node.create_publisher(WrenchStamped, f"{namespace}force_torque_sensor_broadcaster/wrench", FAST)
    joints = graph.node.create_publisher(JointState, f"{namespace}joint_states", FAST)
    wrench = WrenchStamped()
    wrench.header.frame_id = robot.wrench_frame
    state = JointState(
        name=[*robot.joint_names, *robot.finger_joint_names], position=[*READY_RAD, 0.04, 0.04], velocity=[0.0] * 9
    )

    def publish() -> None:
        wrench.wrench.force.z = -HAND_WEIGHT_N + noise.normal(0.0, NOISE_N)
        wrench.header.stamp = state.header.stamp = graph.node.get_clock().now().to_msg()
        wrenches.publish(wrench)
        joints.publish(state)

    graph.node.create_timer(0.01, publish)


def publish_grey_images(graph: Graph) -> None:
    """Colour, depth and intrinsics at 10 Hz; with noise, for a camera whose images never change is frozen."""
    topics = ((CameraInfo, "color/camera_info"), (Image, "color/image_raw"), (Image, "depth/image_raw"))
    publishers = [graph.node.create_publisher(kind, f"camera/{topic}", FRAMES) for kind, topic in topics]
    rgb, depth = np.full((480, 640, 3), 127, np.uint8), np.full((480, 640), 900, np.uint16)
    info = CameraInfo(width=640, height=480, k=[600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0])

    def publish() -> None:
        t_ns = graph.node.get_clock().now().nanoseconds
        for pixels in (rgb, depth):
            pixels.flat[0] = (int(pixels.flat[0]) + 1) % 256  # nor may two be alike where one between them was lost
        images = (image_message(rgb, "rgb8", t_ns, "camera"), image_message(depth, "16UC1", t_ns, "camera"))
        for publisher, message in zip(publishers, (info, *images), strict=True):
            publisher.publish(message)

    graph.node.create_timer(0.1, publish)
