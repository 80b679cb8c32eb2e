"""One of two processes that test the ingest: sends what a camera, a wrist sensor and an arm send.

python -m autoglm_embodied.nodes.probes.ingest_sender SECONDS FILE.npz RELIABILITY CAMERA
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from threading import Event, Thread

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Empty

from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.cdr import WrenchWriter
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.probes.sample_camera import KINDS, CameraKind, camera_messages
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.run_node import plain_node
from autoglm_embodied.ros.sensor_subscriptions import RATES_HZ

READY, END = "ingest/ready", "ingest/end"
IMAGES = 8  # of the camera, one after the other again and again
HAND_N, WRENCH_SIGMA = -7.2, 0.5
POSITION_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])
REST_SIGMA = 1e-4  # of positions and velocities: an arm at rest, so that the wrench can be tared
WAIT_LIMIT_S = 90.0
SWITCH_INTERVAL_S = 0.0005  # a wrench must not wait 5 ms for an image's turn to end


class SampleSensors:
    """Publishes on the sensors' topics, with one reliability for all, what a camera of this kind and noise give."""

    def __init__(self, node: Node, reliability: ReliabilityPolicy, camera: CameraKind) -> None:
        robot = Robot.from_file(shipped("panda.yaml"))
        self._fast_random, camera_random = (np.random.default_rng(seed) for seed in (0, 1))
        self._wrench = WrenchWriter(robot.wrench_frame)
        self._joints = JointStateWriter(robot.base_frame, [*robot.joint_names, *robot.finger_joint_names])
        self._images = cycle([camera_messages(camera, camera_random) for _ in range(IMAGES)])
        types = {name: type(message) for name, message in next(self._images).items()}
        types |= {name: STREAM_TYPES[name].message for name in ("wrench", "joints")}
        self._publishers = {
            name: node.create_publisher(
                message, SENSOR_STREAMS[name].topic, _qos(STREAM_TYPES[name].qos.depth, reliability)
            )
            for name, message in types.items()
        }

    def send_fast(self, t_ns: int) -> None:
        """A wrench and a joint state."""
        noise = self._fast_random.standard_normal(24)
        wrench = noise[:6] * WRENCH_SIGMA
        wrench[2] += HAND_N
        position, velocity = POSITION_RAD + noise[6:15] * REST_SIGMA, noise[15:] * REST_SIGMA
        self._publishers["wrench"].publish(self._wrench.write(t_ns, wrench))
        self._publishers["joints"].publish(self._joints.write(t_ns, position, velocity))

    def send_images(self, t_ns: int) -> None:
        """Intrinsics, colour and depth."""
        for name, message in next(self._images).items():
            message.header.stamp = to_stamp(t_ns)
            self._publishers[name].publish(message)

    def has_subscribers(self) -> bool:
        """Whether somebody still listens."""
        return any(self._publishers[name].get_subscription_count() for name in ("wrench", "rgb"))


def _qos(depth: int, reliability: ReliabilityPolicy) -> QoSProfile:
    return QoSProfile(depth=depth, reliability=reliability)


class ScheduledSender(Thread):
    """Sends on an absolute schedule until `count` messages have gone after `counting` was set.

    A late message is sent as soon as may be, with the stamp [ns] of when it was due; none is left out.
    """

    def __init__(self, rate_hz: float, send: Callable[[int], None], count: int) -> None:
        super().__init__(daemon=True)
        self.counting = Event()
        self.stamps_ns: list[int] = []  # of the messages that count
        self._period_ns = 1e9 / rate_hz
        self._send = send
        self._count = count

    def run(self) -> None:
        """On the thread."""
        begin_ns, begin_stamp_ns, sent = time.monotonic_ns(), time.time_ns(), 0
        while len(self.stamps_ns) < self._count:
            counted = self.counting.is_set()
            due_ns = round(sent * self._period_ns)
            time.sleep(max(begin_ns + due_ns - time.monotonic_ns(), 0) / 1e9)
            self._send(begin_stamp_ns + due_ns)
            sent += 1
            if counted:
                self.stamps_ns.append(begin_stamp_ns + due_ns)


def main() -> None:
    """Send until the receiver is ready, then SECONDS that count, and wait until it has gone."""
    seconds, path, reliability = float(sys.argv[1]), Path(sys.argv[2]), ReliabilityPolicy[sys.argv[3]]
    camera = KINDS[sys.argv[4]]
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with plain_node("ingest_sender") as node:
        sensors = SampleSensors(node, reliability, camera)
        ready: list[Empty] = []
        node.create_subscription(Empty, READY, ready.append, EVENTS)
        ended = node.create_publisher(Empty, END, EVENTS)
        sending = [
            ScheduledSender(RATES_HZ[rate], send, round(seconds * RATES_HZ[rate]))
            for rate, send in (("camera_hz", sensors.send_images), ("wrench_hz", sensors.send_fast))
        ]
        for stream in sending:
            stream.start()
        wait(node, lambda: bool(ready))
        begin_s = time.process_time()
        for stream in sending:
            stream.counting.set()
        wait(node, lambda: not any(stream.is_alive() for stream in sending), limit_s=10 * seconds + WAIT_LIMIT_S)
        cpu_s = time.process_time() - begin_s
        frames, fast = (np.array(stream.stamps_ns) for stream in sending)
        np.savez(path, rgb=frames, depth=frames, wrench=fast, joints=fast, cpu_s=cpu_s)
        ended.publish(Empty())
        wait(node, lambda: not sensors.has_subscribers())  # what is in shared memory goes with this process


def wait(node: Node, condition: Callable[[], bool], limit_s: float = WAIT_LIMIT_S) -> None:
    """Spin a node until a condition holds; the process ends where it does not in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the receiver of the test gave no sign in time")
        rclpy.spin_once(node, timeout_sec=0.1)


if __name__ == "__main__":
    main()
