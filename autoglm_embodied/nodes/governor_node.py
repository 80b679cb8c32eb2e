"""governor_node: the only one that commands the robot. Policy commands and sensors in, safe commands out."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from autoglm_embodied_interfaces.msg import VoiceCommand
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from autoglm_embodied.errors import SensorError, SetupError
from autoglm_embodied.ingest.cdr import read_wrench, read_wrench_batch
from autoglm_embodied.ingest.joint_states import APART_NS, NamedJointReader
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.conversions import to_twist, twist_array
from autoglm_embodied.ros.diagnostics import Diagnostics, Health
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import file_parameter, on_change, parameter, rate_parameter, settings
from autoglm_embodied.ros.polled_subscription import PolledSubscription, ThreadedSubscription
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, FAST, LATCHED, NEWEST
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.ros.ticker import GOVERNOR_PRIORITY, Ticker
from autoglm_embodied.safety.governor import Governor, GovernorLoop, Received, Verdict
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.safety.stop_latch import StopLatch, latch_file
from autoglm_embodied.types import FloatArray

FINGERS = 2
LOG_PERIOD_S = 2.0


class GovernorNode(Node):
    """Feeds the governor and publishes its verdicts.

    The wrench is taken sample by sample, and a verdict follows at once where the force limit is passed or a stop
    comes; everything else is polled at the next output. Voice stops are taken from the topic itself.
    """

    def __init__(self) -> None:
        super().__init__("governor_node")
        self.failure: Exception | None = None
        self._robot = Robot.from_file(file_parameter(self, "robot_file", "panda.yaml"))
        self._governor = Governor(settings(self, Limits, "limits"))
        self._latch = StopLatch(latch_file(self.context.get_domain_id(), self.get_namespace(), os.environ), time.time())
        self._governor.stop()  # whatever a policy commands already, a start moves nothing
        if not self._latch.state.stopped:
            self._governor.resume()
        self._loop = GovernorLoop(self._governor, self._robot)
        self._joint_reader = NamedJointReader(self._robot.joint_names)
        self._finger_reader = NamedJointReader(self._robot.finger_joint_names)
        self._fingers = Received(np.empty(0), 0)  # their positions
        self._reasons: Counter[Reason] = Counter()
        self._rejected = 0
        self._lock = Lock()  # of the governor, which the output's, the wrench's and the executor's thread share
        self._wrenches = StreamMeter(rate_parameter(self, "wrench_hz", 1000.0))
        self._output_hz = rate_parameter(self, "output_hz", 100.0)
        self._outputs = StreamMeter(self._output_hz)
        self._publish_to_robot()
        self._states = self.create_publisher(DiagnosticStatus, self._topic("governor_state", "governor/state"), LATCHED)
        self._subscribe()
        check_parameter_files(self)
        self._tell_state()
        on_change(self, Limits, "limits", self._set_limits)
        self._diagnostics = Diagnostics(self, self._robot.name, self._health)
        # From here on threads.
        self._wrench_subscriptions = [ThreadedSubscription(stream) for stream in self._wrench_streams]
        self._ticker = Ticker(self._output_hz, self._output, self._fail, GOVERNOR_PRIORITY)

    @property
    def ros(self) -> Node:
        """The node to spin."""
        return self

    def close(self) -> None:
        """Leave the robot standing."""
        self._ticker.close()
        for subscription in self._wrench_subscriptions:
            subscription.destroy()
        self._halt()

    def _topic(self, name: str, default: str) -> str:
        return parameter(self, f"topics.{name}", default)

    def _polled_stream(self, name: str, take: Callable[[bytes], None], qos: QoSProfile) -> PolledSubscription:
        topic, message = self._topic(name, STREAMS[name].topic), STREAM_TYPES[name].message
        return PolledSubscription(self, message, topic, partial(self._take, take), qos, raw=True)

    def _subscribe(self) -> None:
        twist = self._topic("policy_twist", "policy/delta_twist")
        gripper = self._topic("policy_gripper", "policy/gripper_width")
        move, grip = (partial(self._take, take) for take in (self._on_policy_twist, self._on_policy_gripper))
        self._polled = [
            self._polled_stream("joints", self._on_joints, NEWEST),
            PolledSubscription(self, TwistStamped, twist, move, COMMANDS),
            PolledSubscription(self, Float64MultiArray, gripper, grip, COMMANDS),
        ]
        self._wrench_streams = [
            self._polled_stream("wrench", self._on_wrench, FAST),
            self._polled_stream("wrench_batch", self._on_wrench_batch, FAST),
        ]
        self.create_subscription(VoiceCommand, self._topic("voice", STREAMS["voice"].topic), self._on_voice, EVENTS)
        self.create_service(Trigger, "stop", partial(self._serve, self._stop))
        self.create_service(Trigger, "resume", partial(self._serve, self._resume))
        self.create_service(Trigger, "governor/tare", self._on_tare)

    def _take(self, take: Callable[[Any], None], message: Any) -> None:
        try:
            take(message)
        except SensorError as error:
            self._rejected += 1
            self.get_logger().warning(str(error), throttle_duration_sec=LOG_PERIOD_S)

    def _publish_to_robot(self) -> None:
        twist = self._topic("twist", "servo_node/delta_twist_cmds")
        self._twists = self.create_publisher(TwistStamped, twist, COMMANDS)
        gripper = self._topic("gripper", "gripper_controller/commands")
        self._openings = self.create_publisher(Float64MultiArray, gripper, COMMANDS)

    def _output(self) -> None:
        for subscription in self._polled:
            subscription.poll()
        with self._lock:
            now_ns = time.monotonic_ns()
            verdict = self._loop.step(now_ns)
            self._reasons.update(verdict.reasons)
            self._outputs.count(now_ns, now_ns)
            self._publish(verdict)

    def _publish(self, verdict: Verdict) -> None:
        message = TwistStamped(twist=to_twist(verdict.twist))
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = self._robot.base_frame
        self._twists.publish(message)
        if verdict.gripper_width_m is not None:
            self._openings.publish(Float64MultiArray(data=[verdict.gripper_width_m / FINGERS]))

    def _on_wrench(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        stamp_ns, _, wrench = read_wrench(data)  # in whatever frame: too much force is too much in any
        self._take_wrenches(now_ns, [stamp_ns], wrench[None])

    def _on_wrench_batch(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        stamps_ns, _, wrenches = read_wrench_batch(data)
        self._take_wrenches(now_ns, stamps_ns.tolist(), wrenches)

    def _take_wrenches(self, now_ns: int, stamps_ns: list[int], wrenches: FloatArray) -> None:
        """Pass wrenches (n, 6) to the governor, and publish its verdict at once where the force limit is passed."""
        passed = False
        for stamp_ns, wrench in zip(stamps_ns, wrenches, strict=True):
            self._wrenches.count(stamp_ns, now_ns)
            with self._lock:
                passed |= self._loop.push_wrench(now_ns, wrench)
        if passed:
            self._output()

    def _on_joints(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        with suppress(SensorError):  # then the hand's width is not known
            fingers = self._finger_reader.read(data)
            if fingers is not None:
                self._fingers = Received(fingers[1], now_ns)
        arm = self._joint_reader.read(data)
        if arm is not None:
            known = self._fingers.usable(now_ns, APART_NS)
            position = np.concatenate([arm[1], self._fingers.value]) if known else arm[1]
            with self._lock:
                self._loop.push_joints(now_ns, position)

    def _on_policy_twist(self, message: TwistStamped) -> None:
        frame = message.header.frame_id
        if frame != self._robot.base_frame:
            raise SensorError(f"a commanded twist must be in frame {self._robot.base_frame}, got {frame!r}")
        with self._lock:
            self._loop.push_twist(time.monotonic_ns(), twist_array(message.twist))

    def _on_policy_gripper(self, message: Float64MultiArray) -> None:
        if len(message.data) != 1:
            raise SensorError(f"a commanded gripper opening must be one number [m], got {len(message.data)}")
        with self._lock:
            self._governor.grip(message.data[0])

    def _on_voice(self, message: VoiceCommand) -> None:
        act = {VoiceCommand.STOP: self._stop, VoiceCommand.RESUME: self._resume}.get(message.intent)
        if act is not None:
            self._act(act, f"heard {message.text!r}")

    def _serve(self, act: Callable[[str], None], _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        refusal = self._act(act, "by service")
        response.success, response.message = refusal is None, refusal or str(self._latch.state)
        return response

    def _act(self, act: Callable[[str], None], why: str) -> str | None:
        """Stop or resume, and tell of it; returns why it failed."""
        try:
            act(why)
            refusal = None
        except SetupError as error:
            refusal = str(error)
            self.get_logger().error(refusal)
        self._tell_state()
        return refusal

    def _stop(self, why: str) -> None:
        self._halt()
        self._latch.stop(why, time.time())

    def _halt(self) -> None:
        with self._lock:
            self._governor.stop()
        self._output()  # not a period later

    def _resume(self, why: str) -> None:
        if self._latch.state.stopped:
            self._latch.release(why, time.time())
            with self._lock:
                self._governor.resume()

    def _tell_state(self) -> None:
        """Publish whether the robot is stopped; the log has it, too."""
        state = self._latch.state
        level = DiagnosticStatus.ERROR if state.stopped else DiagnosticStatus.OK
        values = [KeyValue(key=key, value=str(value)) for key, value in vars(state).items()]
        status = DiagnosticStatus(name=f"{self.get_name()}: stop", message=str(state), level=level, values=values)
        status.hardware_id = self._robot.name
        self._states.publish(status)
        self.get_logger().info(str(state))

    def _on_tare(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            with self._lock:
                self._governor.tare()
            response.success, response.message = True, "the arm stands until the wrench is zeroed"
        except SensorError as error:
            response.success, response.message = False, str(error)
        return response

    def _set_limits(self, limits: Limits) -> None:
        with self._lock:
            self._governor.set_limits(limits)

    def _fail(self, error: Exception) -> None:
        self.failure = error

    def _health(self) -> Health:
        with self._lock:
            reasons, self._reasons = self._reasons, Counter()
        bad = {Reason.JOINTS_SILENT, Reason.WRENCH_SILENT, Reason.NOT_ZEROED, Reason.POLICY_NOT_FINITE} & set(reasons)
        values: dict[str, float | int | str] = {
            "output_hz": self._outputs.rate_hz(),
            "wrench_hz": self._wrenches.rate_hz(),
            "wrench_lost": self._wrenches.lost,
            "wrench_received": self._wrenches.received,
            "refused": self._rejected,
            "stopped": int(self._governor.stopped),
        }
        values |= {f"reason {reason.value}": count for reason, count in reasons.items()}
        message = ", ".join(sorted(reason.value for reason in reasons)) or "governing"
        if Reason.NOT_ZEROED in reasons and self._governor.zero.reason:
            message += f": {self._governor.zero.reason}"
        return Health(well=not bad, message=message, values=values)


def main() -> int:
    """Run the node until a signal."""
    return run(GovernorNode)


if __name__ == "__main__":
    raise SystemExit(main())
