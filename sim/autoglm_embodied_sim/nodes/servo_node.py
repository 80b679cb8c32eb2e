"""From twists to joint set-points, for a simulator that moves joints: what MoveIt Servo does on a robot."""

from __future__ import annotations

import sys
from threading import Event, Thread
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from autoglm_embodied.errors import CommandError, SensorError
from autoglm_embodied.ingest.joint_states import NamedJointReader
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.conversions import twist_array
from autoglm_embodied.ros.parameters import file_parameter, parameter, topic_about
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import COMMANDS, FAST
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.setting import About
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.systems import COMMAND_TOPIC, all_gains
from autoglm_embodied_sim.robots.arm_rig import bare_arm
from autoglm_embodied_sim.robots.hand_rig import command_array
from autoglm_embodied_sim.robots.servo import Setpoints

WAIT_NS = 100_000_000  # how long an end may have to wait for the thread

ABOUT_COMMANDS = About("topic of the set-points of the joints")


class ServoNode:
    """Answers each joint state that is due with set-points, in a thread of its own."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.ros = Node("servo_node")
        robot = Robot.from_file(file_parameter(self.ros, "robot_file", "panda.yaml"))
        self._names = [*robot.joint_names, *robot.finger_joint_names]
        self._reader = NamedJointReader(self._names)
        model = bare_arm(robot)
        self._setpoints = Setpoints(model, robot, np.array([gains.stiffness for gains in all_gains(model, robot)]))
        self._publisher = self.ros.create_publisher(
            JointTrajectory, parameter(self.ros, "command_topic", COMMAND_TOPIC, ABOUT_COMMANDS), COMMANDS
        )
        self._subscribe()
        self.ros.create_service(Trigger, "servo_node/home", self._on_home)
        self._ended = Event()
        self._thread = Thread(target=self._run, name="servo")
        self._thread.start()

    def close(self) -> None:
        """End the thread; the joints stay at their last set-points."""
        self._ended.set()
        self._thread.join()

    def _subscribe(self) -> None:
        topics = {
            "twist": parameter(self.ros, "twist_topic", "servo_node/delta_twist_cmds", topic_about("twist")),
            "gripper": parameter(self.ros, "gripper_topic", "gripper_controller/commands", topic_about("gripper")),
            "joints": parameter(self.ros, "joints_topic", "joint_states", topic_about("joints")),
        }
        node = self.ros
        self._twist = PolledSubscription(node, TwistStamped, topics["twist"], self._on_twist, COMMANDS)
        self._gripper = PolledSubscription(node, Float64MultiArray, topics["gripper"], self._on_gripper, COMMANDS)
        self._joints = PolledSubscription(node, JointState, topics["joints"], self._on_joints, FAST, raw=True)

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._joints.wait(WAIT_NS)
                for subscription in (self._twist, self._gripper, self._joints):
                    subscription.poll()
        except Exception as error:
            self.failure = error

    def _on_twist(self, message: TwistStamped) -> None:
        try:
            self._setpoints.command(twist_array(message.twist))
        except CommandError as error:
            self._warn(str(error))

    def _on_gripper(self, message: Float64MultiArray) -> None:
        if self._setpoints.homing:
            return
        try:
            self._setpoints.grip(2 * command_array("a finger's position [m]", message.data[:1], (1,)).item())
        except CommandError as error:
            self._warn(str(error))

    def _on_joints(self, data: bytes) -> None:
        try:
            state = self._reader.read(data)
            setpoints = None if state is None else self._setpoints.advance(*state)
        except SensorError as error:
            self._warn(str(error))
            return
        if setpoints is not None:
            self._publisher.publish(self._message(setpoints))

    def _message(self, setpoints: FloatArray) -> JointTrajectory:
        """A trajectory of one point, to be reached at once: its controller keeps it until the next one."""
        return JointTrajectory(joint_names=self._names, points=[JointTrajectoryPoint(positions=setpoints.tolist())])

    def _on_home(self, _: Trigger.Request, response: Any) -> Any:
        """Begin to move home."""
        self._setpoints.go_home()
        response.success, response.message = True, "moving to the home posture"
        return response

    def _warn(self, text: str) -> None:
        self.ros.get_logger().warning(text, throttle_duration_sec=1.0)


def main() -> None:
    """Run the node until it is ended."""
    sys.exit(run(ServoNode))


if __name__ == "__main__":
    main()
