"""A process that stands in for ros_gz_bridge: topics of Gazebo 11 on one side, those of a robot on the other.

Usage: classic_bridge.py PORT WORLD_FILE UP_FILE, in the environment of a ROS graph; UP_FILE is made once images flow.
"""

from __future__ import annotations

import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import rclpy
from autoglm_embodied_sim.gazebo.systems import COMMAND_TOPIC, all_gains
from autoglm_embodied_sim.gazebo.world import Setting
from autoglm_embodied_sim.nodes.publishers import FramePublishers
from autoglm_embodied_sim.robots.arm_rig import build_model
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor import Moment
from gazebo_messages import new, parsed, stamp_ns
from gazebo_transport import Transport, message_type
from geometry_msgs.msg import WrenchStamped
from ignition_publisher import IgnitionPublisher
from joint_positions import JointPositions
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sdf_model import named
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from autoglm_embodied.ingest.cdr import WrenchWriter
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.ros.polled_subscription import PolledSubscription, ThreadedSubscription
from autoglm_embodied.ros.qos import COMMANDS, FAST
from autoglm_embodied.types import Frame

BASE = "/gazebo/autoglm"
JOINTS_PERIOD_NS = 4_000_000  # one of the poses of every so long is read; decoding all takes a third of a core
FLOWING_FRAMES = 10


class ClassicBridge:
    """Camera, wrench, joints and clock to ROS; joint set-points to Gazebo."""

    def __init__(self, transport: Transport, commands: IgnitionPublisher, world_file: Path) -> None:
        self._transport, self._gazebo_commands = transport, commands
        self._node = Node("gazebo_bridge")
        self._setting = Setting.shipped()
        world = ElementTree.parse(world_file).getroot().find("world")
        assert world is not None
        robot = self._setting.robot
        arm = named(world, "model", robot.name)
        joints = [*robot.joint_names, *robot.finger_joint_names]
        self._positions = JointPositions(arm, joints)
        model = build_model(self._setting.camera)
        self._stiffness = [gains.stiffness for gains in all_gains(model, robot)]
        self._noise = np.random.default_rng(0)
        self._last_joints_ns = 0
        self._last_position: Any = None
        self._wrench_writer = WrenchWriter(robot.wrench_frame)
        self._joints_writer = JointStateWriter(robot.base_frame, joints)
        self._publish_and_subscribe(joints)

    def _publish_and_subscribe(self, joints: list[str]) -> None:
        node = self._node
        self._wrench = node.create_publisher(WrenchStamped, "force_torque_sensor_broadcaster/wrench", FAST)
        self._joints = node.create_publisher(JointState, "joint_states", FAST)
        self._clock = node.create_publisher(Clock, "clock", COMMANDS)
        self._frames = FramePublishers(node, self._setting.camera.frame_id)
        self._images = Images(self._setting.camera, self._frames)
        name = self._setting.robot.name
        self._scoped = [f"{name}::{joint}" for joint in joints]
        subscribe = self._transport.subscribe
        subscribe(f"{BASE}/pose/local/info", message_type("PosesStamped"), self._on_poses)
        subscribe(f"{BASE}/{name}/panda_ft/panda_ft/wrench", message_type("WrenchStamped"), self._on_wrench)
        for kind in ("color", "depth"):
            subscribe(
                f"{BASE}/camera/link/{kind}/image",
                message_type("ImageStamped"),
                partial(self._images.take, kind),
            )
        commands = PolledSubscription(node, JointTrajectory, COMMAND_TOPIC, self._on_command, COMMANDS)
        self._commands = ThreadedSubscription(commands)

    @property
    def flows(self) -> bool:
        """Whether Gazebo lives: images are what its main thread sends, which some starts lock up."""
        return self._frames.sent_depth >= FLOWING_FRAMES and self._last_joints_ns > 0

    def close(self) -> None:
        self._commands.destroy()
        self._node.destroy_node()

    def _on_poses(self, data: bytes) -> None:
        t_ns = stamp_ns(parsed("PosesTime", data).time)
        if t_ns - self._last_joints_ns < JOINTS_PERIOD_NS and t_ns >= self._last_joints_ns:
            return
        position = self._positions.read(parsed("PosesStamped", data))
        if position is None:
            return
        if self._last_position is not None:
            velocity = (position - self._last_position) / ((t_ns - self._last_joints_ns) * 1e-9)
            self._joints.publish(self._joints_writer.write(t_ns, position, velocity))
            self._clock.publish(Clock(clock=to_stamp(t_ns)))
        self._last_joints_ns, self._last_position = t_ns, position

    def _on_wrench(self, data: bytes) -> None:
        message = parsed("WrenchStamped", data)
        force, torque = message.wrench.force, message.wrench.torque
        true = np.array([force.x, force.y, force.z, torque.x, torque.y, torque.z])
        sigma = self._setting.sensors.wrench.channels.sigma
        read = true + sigma * self._noise.standard_normal(6)  # which new Gazebo adds itself
        self._wrench.publish(self._wrench_writer.write(stamp_ns(message.time), read))

    def _on_command(self, message: JointTrajectory) -> None:
        """The springs of the joints; their damping is in the world's file."""
        positions = message.points[0].positions
        self._gazebo_commands.publish(
            [
                new("JointCmd", name=name, position=_spring(target, stiffness))
                for name, target, stiffness in zip(self._scoped, positions, self._stiffness, strict=True)
            ]
        )


class Images:
    """Pairs colour and depth of equal stamp; depth of half the size is stretched to the colour's pixels."""

    def __init__(self, settings: CameraSettings, frames: FramePublishers) -> None:
        self._camera = settings.camera(settings.width, settings.height)
        self._frames = frames
        self._waiting: dict[str, Any] = {}
        self._lock = threading.Lock()

    def take(self, kind: str, data: bytes) -> None:
        """Take an ImageStamped; publishes the pair that it completes."""
        with self._lock:
            self._waiting[kind] = parsed("ImageStamped", data)
            if len(self._waiting) < 2:
                return
            color, depth = self._waiting["color"], self._waiting["depth"]
            if stamp_ns(color.time) != stamp_ns(depth.time):
                return
            self._waiting.clear()
        moment = Moment(stamp_ns(color.time), np.empty(0))
        self._frames.publish(self._frame(color, depth), moment)

    def _frame(self, color: Any, depth: Any) -> Frame:
        rgb = np.frombuffer(color.image.data, np.uint8).reshape(color.image.height, color.image.width, 3)
        depth_m = np.frombuffer(depth.image.data, np.float32).reshape(depth.image.height, depth.image.width)
        share = color.image.width // depth.image.width
        depth_m = depth_m.repeat(share, axis=0).repeat(share, axis=1)
        return Frame(stamp_ns(color.time), rgb, depth_m, self._camera)


def _spring(target: float, stiffness: float) -> Any:
    """Position control without integral and derivative parts, of which Gazebo has some by default."""
    values = {"target": target, "p_gain": stiffness, "i_gain": 0.0, "d_gain": 0.0}
    return new("PID", **{f"{name}_optional": new("Double", data=value) for name, value in values.items()})


def main() -> None:
    port, world_file, up_file = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    ended = threading.Event()
    rclpy.init(signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    command_topic = f"/{Setting.shipped().robot.name}/joint_cmd"
    with IgnitionPublisher(str(port), command_topic, "ignition.msgs.JointCmd") as commands:
        commands.wait()
        with Transport(port) as transport:
            bridge = ClassicBridge(transport, commands, world_file)
            while not (bridge.flows or ended.wait(0.05)):
                pass
            if bridge.flows:
                up_file.touch()
            ended.wait()
        bridge.close()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
