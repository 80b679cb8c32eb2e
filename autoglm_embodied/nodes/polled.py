"""Subscriptions that the executor leaves alone: it spends more on waking up than a 1 kHz callback has to do."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSProfile

MOST_AT_ONCE = 200  # messages, lest a starved thread never catches up with its sender and holds up the others
WAIT_NS = 100_000_000  # how long an end may have to wait for its thread


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
        self._lock = Lock()
        self._subscription = node.create_subscription(
            message_type,
            topic,
            take,
            qos,
            callback_group=NeverByExecutor(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )

    def poll(self) -> None:
        """Hand over the messages that wait, oldest first; nothing to do where another thread does so now."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._hand_over()
        finally:
            self._lock.release()

    def wait(self, timeout_ns: int) -> None:
        """Sleep until a message waits, or the timeout."""
        context = self._node.context.handle
        with self._subscription.handle, context:
            waits = rclpy_implementation.WaitSet(1, 0, 0, 0, 0, 0, context)
            waits.clear_entities()
            waits.add_subscription(self._subscription.handle)
            waits.wait(timeout_ns)

    def _hand_over(self) -> None:
        subscription = self._subscription
        with subscription.handle:
            for _ in range(MOST_AT_ONCE):
                taken = subscription.handle.take_message(subscription.msg_type, False)
                if taken is None:
                    return
                self._take(taken[0])

    def destroy(self) -> None:
        """Unsubscribe."""
        with self._lock:
            self._node.destroy_subscription(self._subscription)


class ThreadedSubscription:
    """A subscription with a thread of its own, which calls back within a fraction of a millisecond."""

    def __init__(
        self, node: Node, message_type: type[Any], topic: str, take: Callable[[Any], None], qos: QoSProfile
    ) -> None:
        self._polled = PolledSubscription(node, message_type, topic, take, qos)
        self._ended = Event()
        self._thread = Thread(target=self._listen, name=topic)
        self._thread.start()

    def destroy(self) -> None:
        """End the thread and unsubscribe."""
        self._ended.set()
        self._thread.join()
        self._polled.destroy()

    def _listen(self) -> None:
        while not self._ended.is_set():
            self._polled.wait(WAIT_NS)
            self._polled.poll()
