"""What the fusion node does while it is active: it senses, ticks, commands and tells."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.policy.grasp_episode import Outcome
from autoglm_embodied.ros.conversions import to_twist
from autoglm_embodied.ros.diagnostics import LEAST_SHARE
from autoglm_embodied.ros.fusion_messages import feedback_message, result_message, state_message
from autoglm_embodied.ros.grasp_action import GraspServer
from autoglm_embodied.ros.parameters import value
from autoglm_embodied.ros.qos import COMMANDS, EVENTS
from autoglm_embodied.ros.sensor_subscriptions import SensorSubscriptions
from autoglm_embodied.ros.ticker import Ticker

if TYPE_CHECKING:
    from autoglm_embodied.policy.grasp_controller import ControlStep, GraspController
    from autoglm_embodied.types import Command

RECENT_TICKS = 300
NS_PER_MS = 1e6
STILL = np.zeros(6)


class PolicyCommandPublisher:
    """Publishers of what the node wants and thinks, and how fast it does."""

    def __init__(self, node: Node, base_frame: str) -> None:
        self._node = node
        self._base_frame = base_frame
        self._twists = node.create_publisher(TwistStamped, value(node, "topics.policy_twist"), COMMANDS)
        self._widths = node.create_publisher(Float64MultiArray, value(node, "topics.policy_gripper"), COMMANDS)
        self._states = node.create_publisher(FusionState, value(node, "topics.state"), EVENTS)

    def publish_command(self, command: Command | None) -> None:
        """Publish a command; None is to hold still with the gripper as it is."""
        message = TwistStamped(twist=to_twist(STILL if command is None else command.twist))
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._base_frame
        self._twists.publish(message)
        if command is not None:
            self._widths.publish(Float64MultiArray(data=[command.gripper_width_m]))

    def publish_state(self, step: ControlStep, tick_ms: float) -> None:
        """Publish the state of a tick."""
        self._states.publish(state_message(step, tick_ms, self._base_frame))

    def destroy(self) -> None:
        """Publish no more."""
        for publisher in (self._twists, self._widths, self._states):
            self._node.destroy_publisher(publisher)


class FusionWork:
    """Lives from activation to deactivation; `close` ends its threads."""

    def __init__(
        self,
        node: Node,
        controller: GraspController,
        server: GraspServer,
        commands: PolicyCommandPublisher,
        senses: SensorSubscriptions,
        fail: Callable[[Exception], None],
    ) -> None:
        tick_hz = value(node, "tick_hz")
        self._node = node
        self._controller = controller
        self._server = server
        self._commands = commands
        self._senses = senses
        self._ticks = StreamMeter(tick_hz)
        self._tick_ms: deque[float] = deque(maxlen=RECENT_TICKS)
        server.open()
        self._ticker = Ticker(tick_hz, self._tick, fail)

    def close(self) -> None:
        """End the running grasp and all threads."""
        self._ticker.close()
        self._server.close(Grasp.Result(outcome=Outcome.STOPPED.value, message="The fusion node was deactivated."))
        self._commands.publish_command(None)
        self._senses.close()

    def health(self) -> tuple[dict[str, float | int | str], list[str]]:
        """Rates, losses and the time a tick takes, and what is wrong, a sentence each."""
        values, troubles = self._senses.health()
        tick_hz, wanted_hz = self._ticks.rate_hz(), value(self._node, "tick_hz")
        values |= {"tick_hz": tick_hz, "tared": int(self._controller.tared)}
        if tick_hz < LEAST_SHARE * wanted_hz:
            troubles.append(f"{tick_hz:.0f} of {wanted_hz:.0f} ticks a second; lower tick_hz or unload this machine")
        recent = list(self._tick_ms)
        if recent:
            values |= {f"tick_ms_p{percent}": float(np.percentile(recent, percent)) for percent in (50, 99)}
        return values, troubles

    def _tick(self) -> None:
        begin_ns = time.monotonic_ns()
        self._senses.poll()
        order = self._server.take()
        t_ns, now_ns = self._node.get_clock().now().nanoseconds, time.monotonic_ns()
        step = self._controller.step(t_ns, now_ns, order.begin, order.end)
        self._commands.publish_command(step.command)
        tick_ms = (time.monotonic_ns() - begin_ns) / NS_PER_MS
        self._ticks.count(begin_ns, begin_ns)
        self._tick_ms.append(tick_ms)
        self._commands.publish_state(step, tick_ms)
        self._report(step)

    def _report(self, step: ControlStep) -> None:
        if step.episode is None or not step.acting:
            return
        if step.episode.over:
            self._server.finish(result_message(step.episode))
            self._node.get_logger().info(f"{step.episode.instruction!r}: {step.episode.message}")
        else:
            self._server.feedback(feedback_message(step.tick, step.episode))
