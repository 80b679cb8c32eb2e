"""A process that sends what a camera, a wrist sensor, an arm and a speaker send, none of it twice the same.

python sensor_sender.py SECONDS CAMERA_HZ WIDTHxHEIGHT: numbered wrenches (force z is -7.2 N and their noise, torque x
their number) and joint states at 1 kHz of an arm at rest, images of noise, and a spoken command every second.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from autoglm_embodied_interfaces.msg import VoiceCommand
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.cdr import WrenchWriter
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.conversions import image_message, to_stamp
from autoglm_embodied.ros.qos import EVENTS, FAST, FRAMES

FAST_HZ = 1000
LIMIT_S, SETTLE_S = 60.0, 1.0
LATE_NS = 100_000_000  # of this process, until its time jumps
READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])
OPTICAL_FRAME = "camera_color_optical_frame"


class Fast:
    """Wrenches and joint states."""

    def __init__(self, node: Node) -> None:
        robot = Robot.from_file(shipped("panda.yaml"))
        self._random = np.random.default_rng(0)
        self._wrench = WrenchWriter(robot.wrench_frame)
        self._joints = JointStateWriter(robot.base_frame, [*robot.joint_names, *robot.finger_joint_names])
        self._wrenches = node.create_publisher(WrenchStamped, "force_torque_sensor_broadcaster/wrench", FAST)
        self._states = node.create_publisher(JointState, "joint_states", FAST)

    def send(self, number: int, t_ns: int) -> None:
        wrench = self._random.normal(0.0, 0.5, 6)
        wrench[2] -= 7.2
        wrench[3] = number
        self._wrenches.publish(self._wrench.write(t_ns, wrench))
        position, velocity = self._random.normal(0.0, 1e-4, (2, 9))
        self._states.publish(self._joints.write(t_ns, READY_RAD + position, velocity))


class Camera:
    """Colour, depth and intrinsics."""

    def __init__(self, node: Node, width: int, height: int) -> None:
        self._random, self._size = np.random.default_rng(1), (height, width)
        self._infos = node.create_publisher(CameraInfo, "camera/color/camera_info", FRAMES)
        self._colours = node.create_publisher(Image, "camera/color/image_raw", FRAMES)
        self._depths = node.create_publisher(Image, "camera/depth/image_raw", FRAMES)
        focal_px = 0.94 * width
        self._info = CameraInfo(width=width, height=height)
        self._info.k = [focal_px, 0.0, width / 2, 0.0, focal_px, height / 2, 0.0, 0.0, 1.0]

    def send(self, t_ns: int) -> None:
        colour = self._random.integers(0, 256, (*self._size, 3), np.uint8)
        depth_mm = self._random.integers(400, 1500, self._size, np.uint16)
        self._info.header.stamp = to_stamp(t_ns)
        self._infos.publish(self._info)
        self._colours.publish(image_message(colour, "rgb8", t_ns, OPTICAL_FRAME))
        self._depths.publish(image_message(depth_mm, "16UC1", t_ns, OPTICAL_FRAME))


def wait_for_listeners(node: Node) -> None:
    """Until every topic has one, and a moment longer: a listener may yet ask for another quality of service."""
    deadline = time.monotonic() + LIMIT_S
    publishers = [publisher for publisher in node.publishers if publisher.topic_name != "/parameter_events"]
    while not all(publisher.get_subscription_count() for publisher in publishers):
        if time.monotonic() > deadline:
            sys.exit("nobody listens")
        time.sleep(0.05)
    time.sleep(SETTLE_S)


def main() -> None:
    seconds, camera_hz = float(sys.argv[1]), int(sys.argv[2])
    width, height = map(int, sys.argv[3].split("x"))
    rclpy.init()
    node = rclpy.create_node("sensor_sender", enable_rosout=False, start_parameter_services=False)
    fast, camera, voice = (
        Fast(node),
        Camera(node, width, height),
        node.create_publisher(VoiceCommand, "voice/command", EVENTS),
    )
    wait_for_listeners(node)
    begin_ns, begin_stamp_ns = time.monotonic_ns(), time.time_ns()
    for number in range(round(seconds * FAST_HZ)):
        due_ns = number * 1_000_000_000 // FAST_HZ
        early_ns = begin_ns + due_ns - time.monotonic_ns()
        if early_ns < -LATE_NS:  # as a sensor's own clock would: what is not sent in time is not sent late
            begin_ns, begin_stamp_ns = begin_ns - early_ns, begin_stamp_ns - early_ns
        time.sleep(max(early_ns, 0) / 1e9)
        fast.send(number, begin_stamp_ns + due_ns)
        if number % (FAST_HZ // camera_hz) == 0:
            camera.send(begin_stamp_ns + due_ns)
        if number and number % FAST_HZ == 0:
            command = VoiceCommand(
                intent=VoiceCommand.GRASP, text="pick up the red cube", instruction="pick up the red cube"
            )
            command.header.stamp = to_stamp(begin_stamp_ns + due_ns)
            voice.publish(command)
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
