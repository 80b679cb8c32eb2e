"""The simulator's measurements as ROS messages; the fast ones are refilled in their wire form."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import WrenchStamped
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.ingest.cdr import WrenchWriter
from autoglm_embodied.ingest.image_encodings import MM_PER_M
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.conversions import image_message, to_stamp
from autoglm_embodied.ros.parameters import parameter, topic_about
from autoglm_embodied.ros.qos import FAST, FRAMES
from autoglm_embodied.setting import About
from autoglm_embodied.types import Camera, Frame
from autoglm_embodied_sim.sensors.sensor import Moment, Samples

MAX_DEPTH_MM = 65535
MASK_TOPIC = "sim/object_mask"
ABOUT_MASKS = About("topic of the simulator's masks of the objects, which no robot has")
MASK_EVERY_FRAMES = 6  # a script looks a few times a minute


class FastPublishers:
    """Wrench and joint states, each sample in its wire form."""

    def __init__(self, node: Node, robot: Robot) -> None:
        wrench_topic = parameter(node, "wrench_topic", "force_torque_sensor_broadcaster/wrench", topic_about("wrench"))
        joints_topic = parameter(node, "joints_topic", "joint_states", topic_about("joints"))
        self._wrench_publisher = node.create_publisher(WrenchStamped, wrench_topic, FAST)
        self._joints_publisher = node.create_publisher(JointState, joints_topic, FAST)
        self._wrench = WrenchWriter(robot.wrench_frame)
        self._joints = JointStateWriter(robot.base_frame, [*robot.joint_names, *robot.finger_joint_names])

        self._finger_end = len(robot.joint_names) + len(robot.finger_joint_names)
        self.sent_wrench = self.sent_joints = 0

    def publish(self, wrench: Samples, joints: Samples, begin_ns: int) -> None:
        """Send these samples, whose instants count from `begin_ns`."""
        for row, stamp_ns in enumerate(wrench.stamp_ns.tolist()):
            self._wrench_publisher.publish(self._wrench.write(begin_ns + stamp_ns, wrench.value[row]))
        for row, stamp_ns in enumerate(joints.stamp_ns.tolist()):
            position, velocity = joints.value[row, : self._finger_end], joints.value[row, self._finger_end :]
            self._joints_publisher.publish(self._joints.write(begin_ns + stamp_ns, position, velocity))
        self.sent_wrench += len(wrench)
        self.sent_joints += len(joints)


class FramePublishers:
    """Colour, aligned depth in whole millimetres, and the intrinsics of both."""

    def __init__(self, node: Node, frame_id: str) -> None:
        colour_topic = parameter(node, "rgb_topic", "camera/color/image_raw", topic_about("rgb"))
        depth_topic = parameter(node, "depth_topic", "camera/depth/image_raw", topic_about("depth"))
        info_topic = parameter(node, "camera_info_topic", "camera/color/camera_info", topic_about("camera_info"))
        self._colour = node.create_publisher(Image, colour_topic, FRAMES)
        self._depth = node.create_publisher(Image, depth_topic, FRAMES)
        self._info = node.create_publisher(CameraInfo, info_topic, FRAMES)
        self._frame_id = frame_id
        self.sent_colour = self.sent_depth = 0

    def publish(self, frame: Frame, moment: Moment) -> None:
        """Send of a frame what its moment delivers; all messages carry its stamp."""
        if moment.colour:
            self._info.publish(_camera_info(frame.camera, frame.stamp_ns, self._frame_id))
            self._colour.publish(image_message(frame.rgb, "rgb8", frame.stamp_ns, self._frame_id))
            self.sent_colour += 1
        if moment.depth:
            depth_mm = np.rint(np.clip(frame.depth_m * MM_PER_M, 0, MAX_DEPTH_MM)).astype(np.uint16)
            self._depth.publish(image_message(depth_mm, "16UC1", frame.stamp_ns, self._frame_id))
            self.sent_depth += 1


class MaskPublisher:
    """Which object each pixel shows, as mono8 with the stamp of a frame: what the simulator tells baselines.

    No robot publishes it; 0 is no object, NAMED_LABEL the one that was named, higher ones the others.
    """

    def __init__(self, node: Node, frame_id: str) -> None:
        topic = parameter(node, "mask_topic", MASK_TOPIC, ABOUT_MASKS)
        self._publisher = node.create_publisher(Image, topic, FRAMES)
        self._frame_id = frame_id
        self._frames = 0

    def due(self, moment: Moment) -> bool:
        """Whether a mask of this moment is to be drawn: of some frames, while anybody listens."""
        self._frames += moment.depth
        wanted = self._publisher.get_subscription_count() > 0
        return wanted and moment.depth and self._frames % MASK_EVERY_FRAMES == 0

    def publish(self, stamp_ns: int, mask: NDArray[np.uint8]) -> None:
        """Send the mask (height, width) of the frame with this stamp."""
        self._publisher.publish(image_message(mask, "mono8", stamp_ns, self._frame_id))


def _camera_info(camera: Camera, t_ns: int, frame_id: str) -> CameraInfo:
    info = CameraInfo(width=camera.width, height=camera.height, distortion_model="plumb_bob", d=[0.0] * 5)
    info.header.stamp, info.header.frame_id = to_stamp(t_ns), frame_id
    info.k = camera.K.ravel()
    info.r = np.eye(3).ravel()
    info.p = np.hstack([camera.K, np.zeros((3, 1))]).ravel()
    return info
