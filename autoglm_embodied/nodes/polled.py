"""Subscriptions that are read in batches, since waking the executor for each of 1,000 messages a second is costly."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile


class NeverByExecutor(CallbackGroup):
    """A callback group whose members the executor leaves alone."""

    def can_execute(self, entity: Any) -> bool:
        """Never."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Never."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing began."""


class PolledSubscription:
    """A subscription whose messages wait in its queue until `poll`, from any thread, hands them to its callback."""

    def __init__(
        self, node: Node, message_type: type[Any], topic: str, take: Callable[[Any], None], qos: QoSProfile
    ) -> None:
        self._node = node
        self._take = take
        self._group = NeverByExecutor()
        self._lock = Lock()
        self._subscription = node.create_subscription(message_type, topic, take, qos, callback_group=self._group)

    def poll(self) -> None:
        """Hand over all messages that wait, oldest first."""
        subscription = self._subscription
        with self._lock, subscription.handle:
            while (taken := subscription.handle.take_message(subscription.msg_type, False)) is not None:
                self._take(taken[0])

    def destroy(self) -> None:
        """Unsubscribe."""
        with self._lock:
            self._node.destroy_subscription(self._subscription)
