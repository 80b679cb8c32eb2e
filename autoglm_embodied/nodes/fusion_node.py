"""fusion_node: sensors and instructions in, commands out. A lifecycle node that serves the action `grasp`.

Three threads: the executor takes messages and orders, the camera's encodes each frame once, and the ticker's
observes, decides and publishes at a steady rate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied_interfaces.msg import VoiceCommand
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from std_srvs.srv import Trigger

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import AutoGLMError, SensorError
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.nodes.fusion_loop import FusionWork, PolicyCommandPublisher
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.policy import LEARNED, PolicyPlugin, plugin_factory
from autoglm_embodied.ros.diagnostics import Diagnostics, Health
from autoglm_embodied.ros.grasp_action import GraspServer
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import file_parameter, parameter, rate_parameter, settings, value
from autoglm_embodied.ros.qos import EVENTS, LATCHED
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.ros.sensor_subscriptions import SensorSubscriptions, declare_parameters

if TYPE_CHECKING:
    from autoglm_embodied.policy.grasp_controller import GraspController

SWITCH_INTERVAL_S = 0.0005  # torch gives way at every operation: a tick must not wait 5 ms for each of its turns

TOPICS = {
    "voice": "voice/command",
    "policy_twist": "policy/delta_twist",
    "policy_gripper": "policy/gripper_width",
    "state": "fusion/state",
    "governor_state": "governor/state",
}


class FusionNode(LifecycleNode):
    """Configure loads the policy and offers the action, activate subscribes and ticks; each has its way back."""

    def __init__(self) -> None:
        super().__init__("fusion_node")
        self.failure: Exception | None = None
        parameter(self, "autostart", True)
        parameter(self, "policy", LEARNED)
        parameter(self, "checkpoint", "")  # of the policy learned
        parameter(self, "device", "auto")
        parameter(self, "threads", 1)  # more collapse on a machine that has other things to do
        rate_parameter(self, "tick_hz", 30.0)
        for topic, default in TOPICS.items():
            parameter(self, f"topics.{topic}", default)
        declare_parameters(self)
        self._robot = Robot.from_file(file_parameter(self, "robot_file", "panda.yaml"))
        self._T_base_camera = camera_pose(file_parameter(self, "camera_file", "camera.yaml"))
        arm, fingers = self._robot.joints, len(self._robot.finger_joint_names)
        self._align = replace(settings(self, AlignSettings, "align"), arm_joints=arm, finger_joints=fingers)
        self._grasp = settings(self, GraspSettings, "grasp")
        check_parameter_files(self, others=value(self, "policy") != LEARNED)
        self._refusal: AutoGLMError | None = None
        self._work: FusionWork | None = None
        self._plugin: PolicyPlugin | None = None
        self._diagnostics = Diagnostics(self, self._robot.name, self._health)

    @property
    def ros(self) -> Node:
        """The node to spin."""
        return self

    def start(self) -> None:
        """Configure and activate, unless parameter `autostart` leaves that to others.

        Raises:
            AutoGLMError: why it could not.
        """
        if not value(self, "autostart"):
            return
        for transition in (self.trigger_configure, self.trigger_activate):
            transition()
            if self._refusal is not None:
                raise self._refusal

    def close(self) -> None:
        """End all threads."""
        if self._work is not None:
            self._deactivate()
        self._close_plugin()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the policy; offer action and services."""
        return self._transition(self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the sensors and tick."""
        return self._transition(self._activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the running grasp and stop ticking."""
        return self._transition(self._deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the policy and take the action back."""
        return self._transition(self._clean_up)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state: let go of everything."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def _transition(self, change: Callable[[], None]) -> TransitionCallbackReturn:
        self._refusal = None
        try:
            change()
        except AutoGLMError as error:
            self._refusal = error
            if not value(self, "autostart"):
                self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        self._pipeline = self._load()
        self._controller = self._make_controller(self._pipeline)
        self._commands = PolicyCommandPublisher(self, self._robot.base_frame)
        self._server = GraspServer(self, "grasp")
        self._voice = self.create_subscription(VoiceCommand, value(self, "topics.voice"), self._on_voice, EVENTS)
        topic = value(self, "topics.governor_state")
        self._stops = self.create_subscription(DiagnosticStatus, topic, self._on_governor_state, LATCHED)
        self._tare = self.create_service(Trigger, "tare", self._on_tare)

    def _load(self) -> Pipeline:
        name = value(self, "policy")
        if name != LEARNED:
            self._plugin = plugin_factory(name)(self, name)
            return Pipeline(Aligner(self._align, partial(forward_kinematics, self._robot)), self._plugin)
        # Imported here and not above: torch takes seconds, in which signals and bad parameters are to be answered.
        import torch

        from autoglm_embodied.model.checkpoint import SHIPPED
        from autoglm_embodied.policy.learned import load_pipeline

        torch.set_num_threads(value(self, "threads"))
        checkpoint = Path(value(self, "checkpoint") or SHIPPED).expanduser()
        return load_pipeline(checkpoint, self._robot, self._align, value(self, "device"))

    def _make_controller(self, pipeline: Pipeline) -> GraspController:
        from autoglm_embodied.policy.grasp_controller import GraspController

        return GraspController(pipeline, self._grasp)

    def _activate(self) -> None:
        sensing = SensorSubscriptions(self, self._pipeline, self._robot, self._T_base_camera, self._fail)
        self._work = FusionWork(self, self._controller, self._server, self._commands, sensing, self._fail)

    def _deactivate(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.close()

    def _clean_up(self) -> None:
        self.destroy_service(self._tare)
        for subscription in (self._voice, self._stops):
            self.destroy_subscription(subscription)
        self._server.destroy()
        self._commands.destroy()
        self._close_plugin()
        del self._pipeline, self._controller

    def _close_plugin(self) -> None:
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            plugin.close()

    def _fail(self, error: Exception) -> None:
        self.failure = error

    def _on_voice(self, message: VoiceCommand) -> None:
        if message.intent == VoiceCommand.GRASP:
            self._server.say(message.instruction)
        elif message.intent == VoiceCommand.STOP:
            self._server.end("Stopped by voice; say resume before the next grasp.")
        elif message.intent == VoiceCommand.CANCEL:
            self._server.end("Given up, as asked by voice.")

    def _on_governor_state(self, message: DiagnosticStatus) -> None:
        stopped = message.level != DiagnosticStatus.OK
        self._server.set_stop(f"The robot is {message.message}; resume before the next grasp." if stopped else None)

    def _on_tare(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._controller.tare(self.get_clock().now().nanoseconds, time.monotonic_ns())
            response.success, response.message = True, "the hand's weight is taken off the wrench"
        except SensorError as error:
            response.success, response.message = False, str(error)
        return response

    def _health(self) -> Health:
        if self._work is None:
            return Health(well=True, message="not active", values={})
        values, troubles = self._work.health()
        return Health(well=not troubles, message=". ".join(troubles) or "active", values=values)


def make() -> FusionNode:
    """The node, started if it is to start itself."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    node = FusionNode()
    try:
        node.start()
    except AutoGLMError:
        node.destroy_node()
        raise
    return node


def main() -> int:
    """Run the node until a signal."""
    return run(make)


if __name__ == "__main__":
    raise SystemExit(main())
