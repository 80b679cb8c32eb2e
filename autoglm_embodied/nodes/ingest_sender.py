"""One of two processes that test the ingest: sends what a camera, a wrist sensor and an arm send, all of it noise.

python -m autoglm_embodied.nodes.ingest_sender SECONDS FILE.npz RELIABILITY
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np
import rclpy
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Empty

from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.ingest.wrenches import WrenchWriter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.conversions import image_message, to_stamp
from autoglm_embodied.ros.qos import EVENTS, FAST, FRAMES
from autoglm_embodied.ros.sensor_subscriptions import RATES_HZ

READY, END = "ingest/ready", "ingest/end"
HEIGHT, WIDTH, FOCAL_PX = 480, 640, 600.0
FRAME_ID = "camera_color_optical_frame"
DEPTH_MM = (400, 1500)  # of the noise
HAND_N, WRENCH_SIGMA = -7.2, 0.5
POSITION_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])
REST_SIGMA = 1e-4  # of positions and velocities: an arm at rest, so that the wrench can be tared
WAIT_LIMIT_S = 90.0
SWITCH_INTERVAL_S = 0.0005  # a wrench must not wait 5 ms for an image's turn to end


class FastSensors:
    """Sends wrenches and joint states.

    Args:
        node: that publishes.
        reliability: of its publishers.
    """

    def __init__(self, node: Node, reliability: ReliabilityPolicy) -> None:
        robot, qos = Robot.from_file(shipped("panda.yaml")), QoSProfile(depth=FAST.depth, reliability=reliability)
        self._random = np.random.default_rng(0)
        self._wrench = WrenchWriter(robot.wrench_frame)
        self._joints = JointStateWriter(robot.base_frame, [*robot.joint_names, *robot.finger_joint_names])
        self._wrenches = node.create_publisher(WrenchStamped, SENSOR_STREAMS["wrench"].topic, qos)
        self._states = node.create_publisher(JointState, SENSOR_STREAMS["joints"].topic, qos)

    def send(self, t_ns: int) -> None:
        """One of each."""
        noise = self._random.standard_normal(24)
        wrench = noise[:6] * WRENCH_SIGMA
        wrench[2] += HAND_N
        position, velocity = POSITION_RAD + noise[6:15] * REST_SIGMA, noise[15:] * REST_SIGMA
        self._wrenches.publish(self._wrench.write(t_ns, wrench))
        self._states.publish(self._joints.write(t_ns, position, velocity))

    def has_subscribers(self) -> bool:
        """Whether somebody still listens."""
        return bool(self._wrenches.get_subscription_count())


class Camera:
    """Sends intrinsics, colour and depth images.

    Args:
        node: that publishes.
        reliability: of its publishers.
    """

    def __init__(self, node: Node, reliability: ReliabilityPolicy) -> None:
        qos = QoSProfile(depth=FRAMES.depth, reliability=reliability)
        self._random = np.random.default_rng(1)
        self._infos = node.create_publisher(CameraInfo, SENSOR_STREAMS["camera_info"].topic, qos)
        self._colours = node.create_publisher(Image, SENSOR_STREAMS["rgb"].topic, qos)
        self._depths = node.create_publisher(Image, SENSOR_STREAMS["depth"].topic, qos)
        self._info = CameraInfo(width=WIDTH, height=HEIGHT)
        self._info.header.frame_id = FRAME_ID
        self._info.k = [FOCAL_PX, 0.0, WIDTH / 2, 0.0, FOCAL_PX, HEIGHT / 2, 0.0, 0.0, 1.0]

    def send(self, t_ns: int) -> None:
        """One of each."""
        colour = self._random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        depth_mm = self._random.integers(*DEPTH_MM, (HEIGHT, WIDTH), np.uint16)
        self._info.header.stamp = to_stamp(t_ns)
        self._infos.publish(self._info)
        self._colours.publish(image_message(colour, "rgb8", t_ns, FRAME_ID))
        self._depths.publish(image_message(depth_mm, "16UC1", t_ns, FRAME_ID))

    def has_subscribers(self) -> bool:
        """Whether somebody still listens."""
        return bool(self._colours.get_subscription_count())


class ScheduledSender:
    """Sends on an absolute schedule from a thread of its own until `count` messages have gone after `count_from_now`.

    A late message is sent as soon as may be, with the stamp of when it was due; none is left out.

    Args:
        rate_hz: of the messages.
        send: sends one with a stamp [ns].
        count: how many count.

    Attributes:
        done: set once all are sent.
    """

    def __init__(self, rate_hz: float, send: Callable[[int], None], count: int) -> None:
        self.done = Event()
        self._period_ns = 1e9 / rate_hz
        self._send = send
        self._count = count
        self._counted = Event()
        self._stamps: list[int] = []
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def count_from_now(self) -> None:
        """What is sent from now on counts."""
        self._counted.set()

    def stamps_ns(self) -> list[int]:
        """The stamps of the messages that count, once all are sent."""
        self._thread.join()
        return self._stamps

    def _run(self) -> None:
        begin_ns, begin_stamp_ns, sent = time.monotonic_ns(), time.time_ns(), 0
        while len(self._stamps) < self._count:
            counted = self._counted.is_set()
            due_ns = round(sent * self._period_ns)
            time.sleep(max(begin_ns + due_ns - time.monotonic_ns(), 0) / 1e9)
            self._send(begin_stamp_ns + due_ns)
            sent += 1
            if counted:
                self._stamps.append(begin_stamp_ns + due_ns)
        self.done.set()


def main() -> None:
    """Send until the receiver is ready, then SECONDS that count, and wait until it has gone."""
    seconds, path, reliability = float(sys.argv[1]), Path(sys.argv[2]), ReliabilityPolicy[sys.argv[3]]
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rclpy.init()
    node = rclpy.create_node("ingest_sender", enable_rosout=False, start_parameter_services=False)
    ready: list[Empty] = []
    node.create_subscription(Empty, READY, ready.append, EVENTS)
    ended = node.create_publisher(Empty, END, EVENTS)
    senders: dict[str, Camera | FastSensors] = {
        "camera_hz": Camera(node, reliability),
        "wrench_hz": FastSensors(node, reliability),
    }
    sending = [
        ScheduledSender(RATES_HZ[rate], sender.send, round(seconds * RATES_HZ[rate]))
        for rate, sender in senders.items()
    ]
    wait(node, lambda: bool(ready))
    begin_s = time.process_time()
    for stream in sending:
        stream.count_from_now()
    wait(node, lambda: all(stream.done.is_set() for stream in sending), limit_s=10 * seconds + WAIT_LIMIT_S)
    cpu_s = time.process_time() - begin_s
    frames, fast = (np.array(stream.stamps_ns()) for stream in sending)
    np.savez(path, rgb=frames, depth=frames, wrench=fast, joints=fast, cpu_s=cpu_s)
    ended.publish(Empty())
    wait(
        node, lambda: not any(sender.has_subscribers() for sender in senders.values())
    )  # what is in shared memory goes with this process
    node.destroy_node()
    rclpy.try_shutdown()


def wait(node: Node, condition: Callable[[], bool], limit_s: float = WAIT_LIMIT_S) -> None:
    """Spin until a condition holds; the process ends where it does not in time.

    Args:
        node: to spin.
        condition: looked at after each spin.
        limit_s: the time.
    """
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the receiver of the test gave no sign in time")
        rclpy.spin_once(node, timeout_sec=0.1)


if __name__ == "__main__":
    main()
