"""governor_node: the only one that commands the robot. Policy commands and sensors in, safe commands out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timezone
from functools import partial

from autoglm_embodied_interfaces.msg import VoiceCommand
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from std_srvs.srv import Trigger

from autoglm_embodied.errors import SensorError, SetupError
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.governor_loop import GovernorWork, RobotCommandPublisher
from autoglm_embodied.ros.checked_messages import checked
from autoglm_embodied.ros.diagnostics import Diagnostics, Item, Level, trouble_if
from autoglm_embodied.ros.managed_node import ACTIVE, ManagedNode, run_managed
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import file_parameter, on_change, rate_parameter, settings, topic_parameter
from autoglm_embodied.ros.qos import EVENTS, LATCHED
from autoglm_embodied.ros.steady_timer import steady_timer
from autoglm_embodied.ros.ticker import GOVERNOR_PRIORITY, real_time_threads
from autoglm_embodied.ros.watchdogs import STARTED
from autoglm_embodied.safety.deadman import DeadmanSettings
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.safety.stop_latch import StopLatch, latch_file

TOPICS = {name: STREAMS[name].topic for name in ("wrench", "wrench_batch", "joints", "voice")} | {
    "deadman": "deadman",
    "policy_twist": "policy/delta_twist",
    "policy_gripper": "policy/gripper_width",
    "twist": "servo_node/delta_twist_cmds",
    "gripper": "gripper_controller/commands",
}
SWITCH_INTERVAL_S = 0.0005  # a wrench must not wait 5 ms for another thread's turn to end
BEAT_S = 0.2  # between states: who misses some of them knows that nothing is governed


class GovernorNode(ManagedNode):
    """Configure creates the publishers to the robot, activate governs; a stop is taken, and told of, in every state."""

    def __init__(self) -> None:
        super().__init__("governor_node")
        self._started = datetime.now(timezone.utc).isoformat(timespec="microseconds")  # tells it from one before it
        self._robot = Robot.from_file(file_parameter(self, "robot_file", "panda.yaml"))
        self._limits = settings(self, Limits, "limits")
        self._deadman = settings(self, DeadmanSettings, "deadman")
        self._latch = StopLatch(latch_file(self.context.get_domain_id(), self.get_namespace(), os.environ), time.time())
        self._work: GovernorWork | None = None
        for name, hz in {"wrench_hz": 1000.0, "output_hz": 100.0}.items():
            rate_parameter(self, name, hz)
        topics = {name: topic_parameter(self, name, default) for name, default in TOPICS.items()}
        told = topic_parameter(self, "governor_state", "governor/state")
        check_parameter_files(self)
        on_change(self, Limits, "limits", self._set_limits)
        self._states = self.create_publisher(DiagnosticStatus, told, LATCHED)
        voice = checked(VoiceCommand, self._on_voice, self.reject)
        self.create_subscription(VoiceCommand, topics["voice"], voice, EVENTS, raw=True)
        self.create_service(Trigger, "stop", partial(self._serve, self._stop))
        self.create_service(Trigger, "resume", partial(self._serve, self._resume))
        self.get_logger().info(str(self._latch.state))
        self._diagnostics = Diagnostics(self, self._robot.name, self.items)
        self._beat = steady_timer(self, BEAT_S, self._on_beat)

    def configure(self, undo: ExitStack) -> None:
        """Create the publishers to the robot."""
        self._commands = RobotCommandPublisher(self, self._robot.base_frame, undo)

    def activate(self, undo: ExitStack) -> None:
        """Govern, stopped if the last stop was not resumed; on the way down the arm is commanded to stand first."""
        undo.callback(self._tell_state)
        undo.callback(setattr, self, "_work", None)
        undo.callback(self.destroy_service, self.create_service(Trigger, "governor/tare", self._on_tare))
        work = GovernorWork(
            self, self._robot, self._limits, self._deadman, self._commands, self.fail, self._tell_state, undo
        )
        if not self._latch.state.stopped:
            work.resume()
        self._work = work

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
        self.get_logger().info(str(self._latch.state))
        self._tell_state()
        return refusal

    def _stop(self, why: str) -> None:
        if self._work is not None:
            self._work.stop()
        self._latch.stop(why, time.time())

    def _resume(self, why: str) -> None:
        if self._latch.state.stopped:
            self._latch.release(why, time.time())
            if self._work is not None:
                self._work.resume()

    def _on_beat(self) -> None:
        if self._work is None or self._work.governs():  # a loop that hangs must not look alive
            self._tell_state()

    def _tell_state(self) -> None:
        """Publish whether the robot is stopped, or else that nothing governs it, and what changed the last command."""
        state, idle = self._latch.state, self.state != ACTIVE
        reasons = () if self._work is None else self._work.reasons
        level, message = DiagnosticStatus.OK, str(state)
        if state.stopped:
            level = DiagnosticStatus.ERROR
        elif idle:
            level, message = DiagnosticStatus.WARN, f"not governed: {self.get_name()} is {self.state}; activate it"
        elif Reason.DEADMAN in reasons:
            level, message = DiagnosticStatus.WARN, "waiting for its deadman to be held"
        told = {**vars(state), STARTED: self._started, "node": self.state}
        told["reasons"] = ", ".join(reason.value for reason in reasons)
        values = [KeyValue(key=key, value=str(value)) for key, value in told.items()]
        status = DiagnosticStatus(name=f"{self.get_name()}: stop", message=message, level=level, values=values)
        status.hardware_id = self._robot.name
        self._states.publish(status)

    def _on_tare(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            if self._work is not None:
                self._work.tare()
            response.success, response.message = True, "the arm stands until the wrench is zeroed"
        except SensorError as error:
            response.success, response.message = False, str(error)
        return response

    def _set_limits(self, limits: Limits) -> None:
        if self._work is not None:
            self._work.set_limits(limits)
        self._limits = limits

    def items(self) -> list[Item]:
        """For the diagnostics."""
        state = self._latch.state
        stop = trouble_if(state.stopped, Level.ERROR, f"{state}; call resume when nothing is in the way")
        latch = Item("latch", {"stopped": int(state.stopped), "why": state.why, "since": state.since}, stop)
        return [self.lifecycle_item(), latch, *([] if self._work is None else self._work.items())]


def main() -> int:
    """Run the node until a signal."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with real_time_threads(GOVERNOR_PRIORITY):
        return run_managed(GovernorNode)


if __name__ == "__main__":
    raise SystemExit(main())
