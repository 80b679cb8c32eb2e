"""fusion_node: sensors and instructions in, commands out. A lifecycle node that serves the action `grasp`.

Three threads: the executor takes messages and orders, the camera's encodes each frame once, and the ticker's
observes, decides and publishes at a steady rate.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied_interfaces.msg import VoiceCommand
from std_srvs.srv import Trigger

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.nodes.fusion_loop import FusionWork, PolicyCommandPublisher
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.policy import LEARNED, plugin_factory
from autoglm_embodied.ros.diagnostics import Diagnostics, Item
from autoglm_embodied.ros.grasp_action import GraspServer
from autoglm_embodied.ros.managed_node import ManagedNode, run_managed
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import file_parameter, parameter, rate_parameter, settings, topic_parameter, value
from autoglm_embodied.ros.qos import EVENTS
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


class FusionNode(ManagedNode):
    """Configure loads the policy and offers the action, activate subscribes to the sensors and ticks."""

    def __init__(self) -> None:
        super().__init__("fusion_node")
        parameter(self, "policy", LEARNED)
        parameter(self, "checkpoint", "")  # of the policy learned
        parameter(self, "device", "auto")
        parameter(self, "threads", 1)  # more collapse on a machine that has other things to do
        rate_parameter(self, "tick_hz", 30.0)
        for topic, default in TOPICS.items():
            topic_parameter(self, topic, default)
        declare_parameters(self)
        self._robot = Robot.from_file(file_parameter(self, "robot_file", "panda.yaml"))
        camera_file = file_parameter(self, "camera_file", "camera.yaml")
        self._cameras = camera_pose(camera_file), DepthCamera.from_file(camera_file)
        arm, fingers = self._robot.joints, len(self._robot.finger_joint_names)
        self._align = replace(settings(self, AlignSettings, "align"), arm_joints=arm, finger_joints=fingers)
        self._grasp = settings(self, GraspSettings, "grasp")
        check_parameter_files(self, others=value(self, "policy") != LEARNED)
        self._work: FusionWork | None = None
        self._diagnostics = Diagnostics(self, self._robot.name, self.items)

    def configure(self, undo: ExitStack) -> None:
        """Load the policy; offer action and services."""
        self._pipeline = self._load(undo)
        self._controller = self._make_controller(self._pipeline)
        self._commands = PolicyCommandPublisher(self, self._robot.base_frame, undo)
        self._server = GraspServer(self, "grasp")
        undo.callback(self._server.destroy)
        topic = value(self, "topics.voice")
        undo.callback(self.destroy_subscription, self.create_subscription(VoiceCommand, topic, self._on_voice, EVENTS))
        undo.callback(self.destroy_service, self.create_service(Trigger, "tare", self._on_tare))

    def activate(self, undo: ExitStack) -> None:
        """Subscribe to the sensors and tick; on the way down the running grasp is ended first."""
        sensing = SensorSubscriptions(self, self._pipeline, self._robot, *self._cameras, self.fail)
        undo.callback(sensing.close)
        self._work = FusionWork(self, self._controller, self._server, self._commands, sensing, self.fail, undo)
        undo.callback(setattr, self, "_work", None)
        undo.callback(self._work.close)

    def _load(self, undo: ExitStack) -> Pipeline:
        name = value(self, "policy")
        if name != LEARNED:
            plugin = plugin_factory(name)(self, name)
            undo.callback(plugin.close)
            return Pipeline(Aligner(self._align, partial(forward_kinematics, self._robot)), plugin)
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

    def _on_voice(self, message: VoiceCommand) -> None:
        if message.intent == VoiceCommand.GRASP:
            self._server.say(message.instruction)
        elif message.intent == VoiceCommand.STOP:
            self._server.end("Stopped by voice; say resume before the next grasp.")
        elif message.intent == VoiceCommand.CANCEL:
            self._server.end("Given up, as asked by voice.")

    def _on_tare(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._controller.tare(self.get_clock().now().nanoseconds, time.monotonic_ns())
            response.success, response.message = True, "the hand's weight is taken off the wrench"
        except SensorError as error:
            response.success, response.message = False, str(error)
        return response

    def items(self) -> list[Item]:
        """For the diagnostics."""
        return [self.lifecycle_item(), *([] if self._work is None else self._work.items())]


def main() -> int:
    """Run the node until a signal."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run_managed(FusionNode)


if __name__ == "__main__":
    raise SystemExit(main())
