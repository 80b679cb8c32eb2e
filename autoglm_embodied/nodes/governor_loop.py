"""What the governor node does while it is active: it takes sensors and policy commands, and commands the robot."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool, Float64MultiArray

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import read_wrench, read_wrench_batch
from autoglm_embodied.ingest.joint_states import APART_NS, NamedJointReader
from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.governor_health import VerdictCounts, governor_items, holding
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.checked_messages import checked
from autoglm_embodied.ros.conversions import to_twist, twist_array
from autoglm_embodied.ros.diagnostics import LEAST_SHARE, Item, Level, trouble_if
from autoglm_embodied.ros.parameters import value
from autoglm_embodied.ros.polled_subscription import PolledSubscription, ThreadedSubscription
from autoglm_embodied.ros.qos import COMMANDS, FAST, NEWEST, NEWEST_OF_ALL
from autoglm_embodied.ros.ticker import GOVERNOR_PRIORITY, Ticker
from autoglm_embodied.ros.watchdogs import ClockWatch
from autoglm_embodied.safety.deadman import DeadmanSettings
from autoglm_embodied.safety.governor import Governor, GovernorLoop, Received, Verdict
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray

FINGERS = 2
LOG_PERIOD_S = 2.0
DELIVERY = Duration(seconds=0.1)  # of the last command, before its publisher goes


class RobotCommandPublisher:
    """The only publishers to the robot."""

    def __init__(self, node: Node, base_frame: str, undo: ExitStack) -> None:
        self._node = node
        self._base_frame = base_frame

        def publisher(kind: type[Any], topic: str) -> Publisher[Any]:
            made = node.create_publisher(kind, value(node, f"topics.{topic}"), COMMANDS)
            undo.callback(node.destroy_publisher, made)
            undo.callback(made.wait_for_all_acked, DELIVERY)
            return made

        self._twists = publisher(TwistStamped, "twist")
        self._openings = publisher(Float64MultiArray, "gripper")

    def publish(self, verdict: Verdict) -> None:
        """Publish a safe command."""
        message = TwistStamped(twist=to_twist(verdict.twist))
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._base_frame
        self._twists.publish(message)
        if verdict.gripper_width_m is not None:
            self._openings.publish(Float64MultiArray(data=[verdict.gripper_width_m / FINGERS]))


class GovernorWork:
    """Lives from activation to deactivation, which `undo` brings; it begins stopped, and ends with the arm standing.

    The wrench is taken sample by sample, and a verdict follows at once where the force limit is passed or a stop
    comes; everything else is polled at the next output.
    """

    def __init__(
        self,
        node: Node,
        robot: Robot,
        limits: Limits,
        deadman: DeadmanSettings,
        commands: RobotCommandPublisher,
        fail: Callable[[Exception], None],
        tell: Callable[[], None],
        undo: ExitStack,
    ) -> None:
        self._node = node
        self._robot = robot
        self._tell = tell  # called when what holds the arm changes
        self._commands = commands
        self._governor = Governor(limits, deadman)
        self._governor.stop()  # whatever a policy commands already, an activation moves nothing
        self._loop = GovernorLoop(self._governor, robot)
        self._joint_reader = NamedJointReader(robot.joint_names)
        self._finger_reader = NamedJointReader(robot.finger_joint_names)
        self._joint_states = deque[bytes]()  # that came since they were read
        self._fingers = Received(np.empty(0), 0)  # their positions
        self._counts = VerdictCounts()
        self._commanded = False  # by a policy
        self._clock = ClockWatch()
        self._rejected = 0
        self._lock = Lock()  # of the governor, which the output's, the wrench's and the executor's thread share
        self._wrenches = StreamMeter(value(node, "wrench_hz"))
        self._outputs = StreamMeter(value(node, "output_hz"))
        self._counted = 0  # outputs
        self.reasons: tuple[Reason, ...] = ()  # of the last verdict
        self._polled = self._subscribe(undo)
        for name, take in {"wrench": self._on_wrench, "wrench_batch": self._on_wrench_batch}.items():
            wrenches = self._stream(name, take, FAST)
            undo.callback(ThreadedSubscription(wrenches, limits.wrench_timeout_ns, self._on_quiet).destroy)
        if deadman.required:
            topic = value(node, "topics.deadman")
            said = PolledSubscription(
                node, Bool, topic, checked(Bool, self._on_deadman, self._reject), COMMANDS, raw=True
            )
            undo.callback(ThreadedSubscription(said).destroy)
        undo.callback(Ticker(value(node, "output_hz"), self._output, fail, GOVERNOR_PRIORITY).close)
        undo.callback(self.stop)

    def stop(self) -> None:
        """Command zero velocity, now and until `resume`."""
        with self._lock:
            self._governor.stop()
        self._output()  # not a period later

    def resume(self) -> None:
        """See `Governor.resume`."""
        with self._lock:
            self._governor.resume()

    def governs(self) -> bool:
        """Whether a command went to the robot since the last call of this."""
        counted, self._counted = self._counted, self._outputs.received
        return self._outputs.received > counted

    def tare(self) -> None:
        """See `Governor.tare`."""
        with self._lock:
            self._governor.tare()

    def set_limits(self, limits: Limits) -> None:
        """See `Governor.set_limits`."""
        with self._lock:
            self._governor.set_limits(limits)

    def items(self) -> list[Item]:
        """Rates, losses, and what the verdicts since the last call say is wrong."""
        with self._lock:
            counts, self._counts = self._counts, VerdictCounts()
        output_hz, wanted_hz = self._outputs.rate_hz(), value(self._node, "output_hz")
        values: dict[str, dict[str, float | int | str]] = {
            "wrench": self._wrenches.values("wrench"),
            "policy": {"refused": self._rejected},
            "output": {"output_hz": output_hz},
        }
        late = f"{output_hz:.0f} of {wanted_hz:.0f} commands a second; unload this machine"
        lost = self._wrenches.problem_since_last("wrench")
        troubles = {
            "wrench": trouble_if(lost, Level.WARN, lost),
            "output": trouble_if(output_hz < LEAST_SHARE * wanted_hz, Level.WARN, late),
        }
        stands = self._clock.trouble(self._node.get_clock().now().nanoseconds, time.monotonic_ns())
        clock = Item("clock", troubles=trouble_if(stands, Level.ERROR, stands))
        zero = self._governor.zero.reason
        return [*governor_items(counts, zero, self._commanded, values, troubles), clock]

    def _stream(self, name: str, take: Callable[[bytes], None], qos: QoSProfile) -> PolledSubscription:
        topic, message = value(self._node, f"topics.{name}"), STREAM_TYPES[name].message
        return PolledSubscription(self._node, message, topic, partial(self._take, take), qos, raw=True)

    def _subscribe(self, undo: ExitStack) -> list[PolledSubscription]:
        joints = self._stream("joints", self._joint_states.append, NEWEST)
        undo.callback(joints.destroy)
        commands = {
            "policy_twist": (TwistStamped, self._on_policy_twist, NEWEST_OF_ALL),
            "policy_gripper": (Float64MultiArray, self._on_policy_gripper, COMMANDS),
        }
        polled = [joints]
        for name, (kind, take, qos) in commands.items():
            topic = value(self._node, f"topics.{name}")
            take_bytes = checked(kind, take, self._reject)
            polled.append(PolledSubscription(self._node, kind, topic, take_bytes, qos, raw=True))
            undo.callback(polled[-1].destroy)
        return polled

    def _take(self, take: Callable[[Any], None], message: Any) -> None:
        try:
            take(message)
        except SensorError as error:
            self._reject(error)

    def _reject(self, error: SensorError) -> None:
        self._rejected += 1
        self._node.get_logger().warning(str(error), throttle_duration_sec=LOG_PERIOD_S)

    def _output(self) -> None:
        for subscription in self._polled:
            subscription.poll()
        self._read_joints()
        with self._lock:
            now_ns = time.monotonic_ns()
            verdict = self._loop.step(now_ns)
            self._counts.count(verdict)
            self._outputs.count(now_ns, now_ns)
            self._commands.publish(verdict)
            before, self.reasons = self.reasons, verdict.reasons
        if holding(before) != holding(verdict.reasons):
            self._tell()

    def _on_quiet(self) -> None:
        """No wrench for as long as one may be missing: not a period of the output later."""
        with self._lock:
            must_stop = self._governor.must_stop(time.monotonic_ns())
        if must_stop:
            self._output()

    def _on_wrench(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        stamp_ns, _, wrench = read_wrench(data)  # in whatever frame: too much force is too much in any
        self._take_wrenches(now_ns, [stamp_ns], wrench[None])

    def _on_wrench_batch(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        stamps_ns, _, wrenches = read_wrench_batch(data)
        self._take_wrenches(now_ns, stamps_ns.tolist(), wrenches)

    def _take_wrenches(self, now_ns: int, stamps_ns: list[int], wrenches: FloatArray) -> None:
        """Pass wrenches (n, 6) to the governor; above the force limit halt the arm, and judge anew at once."""
        passed = False
        for stamp_ns, wrench in zip(stamps_ns, wrenches, strict=True):
            self._wrenches.count(stamp_ns, now_ns)
            with self._lock:
                passed |= self._loop.push_wrench(now_ns, wrench)
        if passed:
            with self._lock:
                self._commands.publish(self._governor.halt())
            self._output()

    def _read_joints(self) -> None:
        """Read the newest states of arm and fingers, which may come apart; older ones are of no use."""
        now_ns, arm, fingers = time.monotonic_ns(), None, None
        with suppress(IndexError):  # no more have come
            while arm is None or fingers is None:
                data = self._joint_states.pop()
                with suppress(SensorError):  # then the hand's width is not known
                    fingers = self._finger_reader.read(data) if fingers is None else fingers
                try:
                    arm = self._joint_reader.read(data) if arm is None else arm
                except SensorError as error:
                    self._reject(error)
        self._joint_states.clear()
        if fingers is not None:
            self._fingers = Received(fingers[1], now_ns)
        if arm is not None:
            known = self._fingers.usable(now_ns, APART_NS)
            position = np.concatenate([arm[1], self._fingers.value]) if known else arm[1]
            with self._lock:
                self._loop.push_joints(now_ns, position)

    def _on_deadman(self, message: Bool) -> None:
        with self._lock:
            self._governor.deadman.take(time.monotonic_ns(), message.data)
        if not message.data:
            self._output()  # not a period later

    def _on_policy_twist(self, message: TwistStamped) -> None:
        frame = message.header.frame_id
        if frame != self._robot.base_frame:
            raise SensorError(f"a commanded twist must be in frame {self._robot.base_frame}, got {frame!r}")
        with self._lock:
            self._loop.push_twist(time.monotonic_ns(), twist_array(message.twist))
            self._commanded = True

    def _on_policy_gripper(self, message: Float64MultiArray) -> None:
        if len(message.data) != 1:
            raise SensorError(f"a commanded gripper opening must be one number [m], got {len(message.data)}")
        with self._lock:
            self._governor.grip(message.data[0])
