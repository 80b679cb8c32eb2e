"""Observes what a fault does to the graph, and is the policy that moves the arm steadily meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition
from typing import Any

import numpy as np
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from rclpy.qos import QoSProfile
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from autoglm_embodied.faults.fault import Policy
from autoglm_embodied.faults.trial import Received
from autoglm_embodied.ingest.joint_states import NamedJointReader
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.nodes.fault_relay import ONSET, ORDER
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.conversions import to_twist, twist_array
from autoglm_embodied.ros.diagnostics import TOPIC
from autoglm_embodied.ros.polled_subscription import PolledSubscription, ThreadedSubscription
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, FAST, LATCHED
from autoglm_embodied.ros.run_node import BackgroundNode
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.types import FloatArray

POLICY_HZ = 100.0  # as fusion_node
JOINTS_PERIOD_NS = 4_000_000  # of the joint states that are looked at
KEPT = 20  # of the commands and words before a trial
ALL = QoSProfile(depth=100)  # of the commands to the robot: each counts
WILD = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0])
ANOTHER_FRAME = "camera"
FLOOD = 100  # messages in each tick


class FaultObserver(BackgroundNode):
    """Keeps what comes with when it came; a context manager.

    Args:
        domain: of the graph.
        robot: whose tool is watched.
        joints_topic: of the joint states as the simulator gives them.
        steady: whether to command `twist`, as a policy would.
    """

    def __init__(self, domain: int, robot: Robot, joints_topic: str, steady: bool) -> None:
        super().__init__("fault_observer", domain)
        self.received = Received()
        self.onset_ns = 0  # what the relay told last
        self.twist: FloatArray = np.zeros(6)  # that the policy commands
        self.policy: Policy | None = None  # what it does otherwise
        self.failure: Exception | None = None
        self._robot, self._joints = robot, NamedJointReader(robot.joint_names)
        self._changed = Condition()
        node = self._node
        self._order = node.create_publisher(String, ORDER, EVENTS)
        self._voice = node.create_publisher(VoiceCommand, "voice/command", EVENTS)
        self._policy_twist = node.create_publisher(TwistStamped, "policy/delta_twist", COMMANDS)
        self._policy_gripper = node.create_publisher(Float64MultiArray, "policy/gripper_width", COMMANDS)
        self._stop: Any = node.create_client(Trigger, "stop")
        self._subscribe(joints_topic)
        self._ticker = Ticker(POLICY_HZ, self._command if steady else lambda: None, self._fail)
        self._spin()

    def __exit__(self, *exception: object) -> None:
        self._ticker.close()
        for subscription in self._fast:
            subscription.destroy()
        super().__exit__(*exception)

    def forget(self) -> None:
        """Begin a new trial; the last of everything is kept."""
        received = self.received
        self.received = Received(received.twists[-KEPT:], received.tool[-1:], received.told[-KEPT:])

    def order(self, fault: str) -> None:
        """Have the relay begin a fault, or end it where this is empty."""
        self._order.publish(String(data=fault))

    def say(self, intent: int, instruction: str = "") -> None:
        """Publish a spoken command."""
        text = instruction or "said by the observer of faults"
        self._voice.publish(VoiceCommand(intent=intent, text=text, instruction=instruction))

    def can_call_stop(self) -> bool:
        """Whether the governor's service is there."""
        return bool(self._stop.service_is_ready())

    def call_stop(self) -> None:
        """Call the governor's service, without waiting for its answer."""
        self._stop.call_async(Trigger.Request())

    def tell(self, text: str) -> None:
        """Take what was told now, as "node: item: message"."""
        self.received.told.append((time.monotonic_ns(), text))

    def wait_for(self, condition: Callable[[], bool], limit_s: float, meanwhile: Callable[[], None]) -> bool:
        """Wait until a condition holds; False if it does not within so long."""
        deadline_s = time.monotonic() + limit_s
        while not condition():
            meanwhile()
            if self.failure is not None:
                raise self.failure
            if time.monotonic() > deadline_s:
                return False
            with self._changed:
                self._changed.wait(0.02)
        return True

    def _subscribe(self, joints_topic: str) -> None:
        node = self._node
        node.create_subscription(DiagnosticArray, TOPIC, self._on_diagnostics, EVENTS)
        node.create_subscription(DiagnosticStatus, "governor/state", self._on_governor, LATCHED)
        node.create_subscription(FusionState, "fusion/state", self._on_fusion, EVENTS)
        node.create_subscription(String, ONSET, self._on_onset, EVENTS)
        joints = STREAM_TYPES["joints"].message
        fast = (
            PolledSubscription(node, TwistStamped, "servo_node/delta_twist_cmds", self._on_twist, ALL),
            PolledSubscription(node, joints, joints_topic, self._on_joints, FAST, raw=True),
        )
        self._fast = [ThreadedSubscription(polled) for polled in fast]

    def _command(self) -> None:
        """As a policy does, or as it should not."""
        policy = self.policy
        if policy is Policy.SILENT:
            return
        message = TwistStamped()
        message.header.frame_id = ANOTHER_FRAME if policy is Policy.OTHER_FRAME else self._robot.base_frame
        if policy is Policy.TWICE:
            self._policy_twist.publish(TwistStamped(header=message.header, twist=to_twist(WILD)))
        message.twist = to_twist(self.twist * np.nan if policy is Policy.NAN else self.twist)
        for _ in range(FLOOD if policy is Policy.FLOOD else 1):
            self._policy_twist.publish(message)
        self._policy_gripper.publish(Float64MultiArray(data=[self._robot.gripper_max_width_m]))

    def _on_twist(self, message: TwistStamped) -> None:
        self.received.twists.append((time.monotonic_ns(), twist_array(message.twist)))
        with self._changed:
            self._changed.notify_all()

    def _on_joints(self, data: bytes) -> None:
        now_ns, tool = time.monotonic_ns(), self.received.tool
        if not tool or now_ns - tool[-1][0] >= JOINTS_PERIOD_NS:
            state = self._joints.read(data)
            if state is not None:
                tool.append((now_ns, forward_kinematics(self._robot, state[1])[:3, 3]))

    def _on_governor(self, state: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in state.values}
        self.tell(f"governor: {values.get('reasons', '')}")

    def _on_fusion(self, state: FusionState) -> None:
        absent = [name for name, there in zip(state.modality, state.present, strict=True) if not there]
        self.tell(f"fusion: without {', '.join(absent)}")

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            self.tell(f"{status.name}: {status.message}")

    def _on_onset(self, message: String) -> None:
        self.onset_ns = int(message.data)

    def _fail(self, error: Exception) -> None:
        self.failure = error
