"""fusion_node: sensors and goals in, commands out. A lifecycle node that serves grasp, place, release and home.

Four threads: the executor takes messages and orders, the camera's encodes each frame once, the ticker's observes,
decides and publishes at a steady rate, and one repeats what was decided last, as long as that is recent.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from autoglm_embodied_interfaces.msg import VoiceCommand
from std_srvs.srv import Trigger

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.nodes.fusion_loop import FusionWork, PolicyCommandPublisher
from autoglm_embodied.policy.command_repeater import LIMIT_NS
from autoglm_embodied.policy.distribution_guard import DistributionGuard, GuardSettings
from autoglm_embodied.policy.goal import Goal, Outcome
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.motions import ActionSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.policy import LEARNED, NAMED, PolicyPlugin, plugin_factory
from autoglm_embodied.ros.arm_actions import ArmActions
from autoglm_embodied.ros.checked_messages import checked
from autoglm_embodied.ros.diagnostics import Diagnostics, Item
from autoglm_embodied.ros.managed_node import ManagedNode, run_managed
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import file_parameter, parameter, rate_parameter, settings, topic_parameter, value
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.sensor_subscriptions import SensorSubscriptions, declare_parameters
from autoglm_embodied.setting import About
from autoglm_embodied.types import CARRIED_OUT, FloatArray, Intent

if TYPE_CHECKING:
    from autoglm_embodied.policy.grasp_controller import GraspController

OF_POLICY: dict[str, tuple[Any, About]] = {
    "policy": (LEARNED, About(f"{LEARNED}, {NAMED}, or one that an installed package registers")),
    "checkpoint": ("", About(f"folder of the policy {LEARNED}; empty: the shipped one")),
    "grounding": ("", About(f"folder of a zero-shot detector for the policy {NAMED}; empty: none")),
    "device": ("auto", About("auto, cpu or cuda")),
    "threads": (1, About("of torch; more collapse on a machine that has other things to do", least=1, most=256)),
}
COMMAND_LIMIT = About("age of a tick's command, from which on the arm rests", least=1e6, most=1e9)
SWITCH_INTERVAL_S = 0.0005  # torch gives way at every operation: a tick must not wait 5 ms for each of its turns

TOPICS = {
    "voice": "voice/command",
    "policy_twist": "policy/delta_twist",
    "policy_gripper": "policy/gripper_width",
    "state": "fusion/state",
    "governor_state": "governor/state",
}


GOALS = {intent.value for intent in CARRIED_OUT - {Intent.STOP, Intent.RESUME, Intent.CANCEL}}


class FusionNode(ManagedNode):
    """Configure loads the policy and offers the actions, activate subscribes to the sensors and ticks."""

    def __init__(self) -> None:
        super().__init__("fusion_node")
        for name, (default, known) in OF_POLICY.items():
            parameter(self, name, default, known)
        tick_hz = rate_parameter(self, "tick_hz", 30.0)
        rate_parameter(self, "command_hz", 100.0)
        _check_limit(parameter(self, "command_limit_ns", LIMIT_NS, COMMAND_LIMIT), tick_hz)
        for topic, default in TOPICS.items():
            topic_parameter(self, topic, default)
        declare_parameters(self)
        self._robot = Robot.from_file(file_parameter(self, "robot_file", "panda.yaml"))
        camera_file = file_parameter(self, "camera_file", "camera.yaml")
        self._cameras = camera_pose(camera_file), DepthCamera.from_file(camera_file)
        arm, fingers = self._robot.joints, len(self._robot.finger_joint_names)
        self._align = replace(settings(self, AlignSettings, "align"), arm_joints=arm, finger_joints=fingers)
        self._grasp = settings(self, GraspSettings, "grasp")
        self._actions = settings(self, ActionSettings, "actions")
        self._guarded = _check_guard(settings(self, GuardSettings, "guard"), value(self, "policy"))
        self._work_area = settings(self, WorkArea, "work_area")
        check_parameter_files(self, others=value(self, "policy") != LEARNED)
        self._work: FusionWork | None = None
        self._diagnostics = Diagnostics(self, self._robot.name, self.items)

    def configure(self, undo: ExitStack) -> None:
        """Load the policy; offer actions and services."""
        self._pipeline = self._load(undo)
        self._controller = self._make_controller(self._pipeline)
        self._commands = PolicyCommandPublisher(self, self._robot.base_frame, undo)
        self._server = ArmActions(self, self._actions.preempt)
        undo.callback(self._server.destroy)
        topic = value(self, "topics.voice")
        voice = checked(VoiceCommand, self._on_voice, self.reject)
        undo.callback(self.destroy_subscription, self.create_subscription(VoiceCommand, topic, voice, EVENTS, raw=True))
        undo.callback(self.destroy_service, self.create_service(Trigger, "tare", self._on_tare))

    def activate(self, undo: ExitStack) -> None:
        """Subscribe to the sensors and tick; on the way down the running goal is ended first."""
        sensing = SensorSubscriptions(self, self._pipeline, self._robot, *self._cameras, self.fail)
        undo.callback(sensing.close)
        self._work = FusionWork(self, self._controller, self._server, self._commands, sensing, self.fail, undo)
        undo.callback(setattr, self, "_work", None)
        undo.callback(self._work.close)
        self.get_logger().info("ready for goals")

    def _load(self, undo: ExitStack) -> Pipeline:
        name = value(self, "policy")
        self._guard: DistributionGuard | None = None
        if name != LEARNED:
            aligner = Aligner(self._align, partial(forward_kinematics, self._robot))
            policy = self._named(aligner.R_tool_sensor) if name == NAMED else plugin_factory(name)(self, name)
            undo.callback(policy.close)
            return Pipeline(aligner, policy)
        # Imported here and not above: torch takes seconds, in which signals and bad parameters are to be answered.
        import torch

        from autoglm_embodied.model.checkpoint import SHIPPED
        from autoglm_embodied.model.latent_statistics import load_statistics
        from autoglm_embodied.policy.learned import load_pipeline

        torch.set_num_threads(value(self, "threads"))
        checkpoint = Path(value(self, "checkpoint") or SHIPPED).expanduser()
        if self._guarded.enabled:
            self._guard = DistributionGuard(self._guarded, self._grasp, load_statistics(checkpoint).distances)
        return load_pipeline(checkpoint, self._robot, self._align, value(self, "device"))

    def _named(self, R_tool_sensor: FloatArray) -> PolicyPlugin:
        from autoglm_embodied.grasping.named import named_policy

        folder = value(self, "grounding")
        grounding = Path(folder).expanduser() if folder else None
        return named_policy(self._robot, self._work_area, R_tool_sensor, grounding, value(self, "device"))

    def _make_controller(self, pipeline: Pipeline) -> GraspController:
        from autoglm_embodied.policy.grasp_controller import GraspController
        from autoglm_embodied.policy.scripts import Scripts

        home_rad = self._robot.home_rad
        T_base_home = forward_kinematics(self._robot, np.array(home_rad)) if home_rad else None
        scripts = Scripts(self._actions, self._grasp, T_base_home)
        return GraspController(pipeline, self._grasp, scripts, self._guard)

    def _on_voice(self, message: VoiceCommand) -> None:
        if message.intent == VoiceCommand.STOP:
            self._server.end(Outcome.STOPPED, "Stopped by voice; say resume before the next goal.")
        elif message.intent == VoiceCommand.CANCEL:
            self._server.end(Outcome.CANCELED, "Given up, as asked by voice.")
        elif message.intent in GOALS:
            slots = dict(zip(message.slot, message.slot_value, strict=False))
            self._server.ask(Goal(Intent(message.intent), message.instruction, slots))

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


def _check_limit(limit_ns: int, tick_hz: float) -> None:
    if limit_ns <= 1e9 / tick_hz:
        raise ConfigError(
            f"parameter command_limit_ns of fusion_node must be more than the {1e9 / tick_hz:.0f} ns of a tick, or no "
            f"command lasts until the next, got {limit_ns}; raise it, or tick_hz"
        )


def _check_guard(guard: GuardSettings, policy: str) -> GuardSettings:
    if guard.enabled and policy != LEARNED:
        raise ConfigError(
            f"parameter guard.enabled of fusion_node is for the policy {LEARNED} alone, whose training is known, got "
            f"true for {policy}; leave it out"
        )
    return guard


def main() -> int:
    """Run the node until a signal."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run_managed(FusionNode)


if __name__ == "__main__":
    raise SystemExit(main())
