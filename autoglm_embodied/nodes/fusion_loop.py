"""What the fusion node does while it is active: it senses, ticks, commands and tells."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from autoglm_embodied_interfaces.msg import FusionState
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from std_msgs.msg import Float64MultiArray

from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.policy.command_repeater import CommandRepeater
from autoglm_embodied.policy.distribution_guard import LOOK_AT, Familiarity
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.ros.arm_actions import ArmActions
from autoglm_embodied.ros.checked_messages import checked
from autoglm_embodied.ros.conversions import to_twist
from autoglm_embodied.ros.diagnostics import LEAST_SHARE, Item, Level, trouble_if
from autoglm_embodied.ros.fusion_messages import state_message
from autoglm_embodied.ros.managed_node import ManagedNode
from autoglm_embodied.ros.parameters import value
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import COMMANDS, EVENTS, LATCHED
from autoglm_embodied.ros.sensor_subscriptions import SensorSubscriptions
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.ros.watchdogs import ClockWatch, GovernorWatch, RivalWatch

if TYPE_CHECKING:
    from autoglm_embodied.policy.grasp_controller import ControlStep, GraspController
    from autoglm_embodied.types import Command

RECENT_TICKS = 300
GOVERNOR_BEATS_HZ = 5.0  # states of one governor
NS_PER_MS = 1e6
STILL = np.zeros(6)


class PolicyCommandPublisher:
    """Publishers of what the node wants and thinks, and how fast it does."""

    def __init__(self, node: Node, base_frame: str, undo: ExitStack) -> None:
        self._node = node
        self._base_frame = base_frame

        def publisher(kind: type[Any], topic: str, qos: QoSProfile) -> Publisher[Any]:
            made = node.create_publisher(kind, value(node, f"topics.{topic}"), qos)
            undo.callback(node.destroy_publisher, made)
            return made

        self._twists = publisher(TwistStamped, "policy_twist", COMMANDS)
        self._widths = publisher(Float64MultiArray, "policy_gripper", COMMANDS)
        self._states = publisher(FusionState, "state", EVENTS)

    def publish_command(self, command: Command | None) -> None:
        """Publish a command; None is to hold still with the gripper as it is."""
        message = TwistStamped(twist=to_twist(STILL if command is None else command.twist))
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._base_frame
        self._twists.publish(message)
        if command is not None and command.gripper_width_m is not None:
            self._widths.publish(Float64MultiArray(data=[command.gripper_width_m]))

    def publish_state(self, step: ControlStep, tick_ms: float) -> None:
        """Publish the state of a tick."""
        self._states.publish(state_message(step, tick_ms, self._base_frame))


class FusionWork:
    """Lives from activation to deactivation; `close` ends its threads."""

    def __init__(
        self,
        node: ManagedNode,
        controller: GraspController,
        actions: ArmActions,
        commands: PolicyCommandPublisher,
        senses: SensorSubscriptions,
        fail: Callable[[Exception], None],
        undo: ExitStack,
    ) -> None:
        tick_hz = value(node, "tick_hz")
        self._node = node
        self._controller = controller
        self._actions = actions
        self._commands = commands
        self._senses = senses
        self._ticks = StreamMeter(tick_hz)
        self._tick_ms: deque[float] = deque(maxlen=RECENT_TICKS)
        self._repeater, self._expired = CommandRepeater(self._send, value(node, "command_limit_ns")), 0
        self._clock, self._governor = ClockWatch(), GovernorWatch(value(node, "topics.governor_state"))
        self._familiarity: Familiarity | None = None  # the least since the last report, where a guard looked
        self._stands = ""  # what is wrong with the time of ROS
        self._governors = self._rivals("governor_state", per_s=GOVERNOR_BEATS_HZ, most=1.5)  # it tells changes, too
        self._fusions = self._rivals("policy_twist")
        self._polled = self._subscribe(undo)
        self._ticker = Ticker(tick_hz, self._tick, fail)
        # Of its own: a tick may take longer than a command may be missed. What hangs in a tick, the repeater notices.
        self._between = Ticker(value(node, "command_hz"), lambda: self._repeater.repeat(time.monotonic_ns()), fail)
        actions.open(self._trouble)

    def close(self) -> None:
        """End the running grasp and the ticks; the last command is to stand."""
        self._between.close()
        self._ticker.close()
        self._commands.publish_command(None)
        self._actions.close()

    def items(self) -> list[Item]:
        """The sensors, the policy and its ticks, the governor and the clock of ROS."""
        tick_hz, wanted_hz = self._ticks.rate_hz(), value(self._node, "tick_hz")
        values: dict[str, float | int | str] = {"tick_hz": tick_hz}
        recent = list(self._tick_ms)
        if recent:
            values |= {f"tick_ms_p{percent}": float(np.percentile(recent, percent)) for percent in (50, 99)}
        late = f"{tick_hz:.0f} of {wanted_hz:.0f} ticks a second; lower tick_hz or unload this machine"
        troubles = trouble_if(tick_hz < LEAST_SHARE * wanted_hz, Level.WARN, late)
        expired, self._expired = self._repeater.expired - self._expired, self._repeater.expired
        old = f"{expired} commands grew too old, and the arm rested; unload this machine, or raise command_limit_ns"
        policy = Item("policy", values, troubles + trouble_if(expired, Level.WARN, old))
        own = policy, self._guard_item(), self._governor_item(), self._rivals_item()
        return [*map(self._with_more, self._senses.items()), *own]

    def _with_more(self, item: Item) -> Item:
        """What the sensors do not know: whether the time of ROS moves, and the zero of the controller."""
        if item.name == "clock":
            return replace(item, troubles=[*trouble_if(self._stands, Level.ERROR, self._stands), *item.troubles])
        if item.name == "zero":
            return replace(item, values={**item.values, "tared": int(self._controller.tared)})
        return item

    def _guard_item(self) -> Item:
        found, self._familiarity = self._familiarity, None
        if found is None:
            return Item("guard", {"judged": 0})
        level = Level.WARN if found.speed_share else Level.ERROR
        trouble = trouble_if(found.speed_share < 1.0, level, f"{found.account}; {LOOK_AT}")
        return Item("guard", {"judged": 1, "level": found.level, "speed_share": found.speed_share}, trouble)

    def _governor_item(self) -> Item:
        now_ns = time.monotonic_ns()
        level = Level.WARN if self._governor.stopped(now_ns) else Level.ERROR
        trouble = self._governor.trouble(now_ns)
        return Item("governor", {"governed": int(not trouble)}, trouble_if(trouble, level, trouble))

    def _rivals_item(self) -> Item:
        trouble = self._rivalry(time.monotonic_ns())
        return Item("rivals", {"alone": int(not trouble)}, trouble_if(trouble, Level.ERROR, trouble))

    def _rivals(self, topic: str, **rates: float) -> RivalWatch:
        name = value(self._node, f"topics.{topic}")
        return RivalWatch(name, partial(self._node.count_publishers, name), **rates)

    def _subscribe(self, undo: ExitStack) -> list[PolledSubscription]:
        """To the governor's states, and to the topic of the commands, where none but this node may command."""

        def take_state(state: DiagnosticStatus) -> None:
            self._governors.received(time.monotonic_ns())
            self._governor.take(state, time.monotonic_ns())

        def take_command(_: bytes) -> None:
            self._fusions.received(time.monotonic_ns())

        state, twist = (value(self._node, f"topics.{name}") for name in ("governor_state", "policy_twist"))
        take_state_bytes = checked(DiagnosticStatus, take_state, self._node.reject)
        subscriptions = [
            PolledSubscription(self._node, DiagnosticStatus, state, take_state_bytes, LATCHED, raw=True),
            PolledSubscription(self._node, TwistStamped, twist, take_command, EVENTS, raw=True),
        ]
        for subscription in subscriptions:
            undo.callback(subscription.destroy)
        return subscriptions

    def _tick(self) -> None:
        begin_ns = time.monotonic_ns()
        self._senses.poll()
        trouble = self._trouble()
        if trouble:
            self._actions.end(Outcome.STOPPED, trouble)
        begin, end = self._actions.take()
        t_ns, now_ns = self._node.get_clock().now().nanoseconds, time.monotonic_ns()
        step = self._controller.step(t_ns, now_ns, begin, end and end.message, end.outcome if end else Outcome.STOPPED)
        self._repeater.take(step.command, begin_ns, time.monotonic_ns())
        tick_ms = (time.monotonic_ns() - begin_ns) / NS_PER_MS
        self._ticks.count(begin_ns, begin_ns)
        self._tick_ms.append(tick_ms)
        self._commands.publish_state(step, tick_ms)
        found, least = step.familiarity, self._familiarity
        if found is not None and (least is None or found.speed_share <= least.speed_share):
            self._familiarity = found
        if step.episode is not None and step.acting:
            self._actions.report(step.tick, step.episode)

    def _send(self, command: Command | None) -> None:
        self._commands.publish_command(command)
        self._fusions.sent(time.monotonic_ns())

    def _trouble(self) -> str:
        """Why no goal can begin or go on, as of now; from any thread."""
        for subscription in self._polled:
            subscription.poll()
        t_ns, now_ns = self._node.get_clock().now().nanoseconds, time.monotonic_ns()
        self._stands = self._clock.trouble(t_ns, now_ns)
        return self._stands or self._governor.trouble(now_ns) or self._rivalry(now_ns)

    def _rivalry(self, now_ns: int) -> str:
        return self._governors.trouble(now_ns) or self._fusions.trouble(now_ns)
