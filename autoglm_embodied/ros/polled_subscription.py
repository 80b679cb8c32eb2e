"""Subscriptions that the executor leaves alone: it spends more on waking up than a 1 kHz callback has to do.

`raw` ones hand over the bytes of a message, for `cdr` to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Event, Lock, Thread
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSProfile

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # of Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

MAX_PER_POLL = 200  # messages, lest a starved thread never catches up with its sender and holds up the others
RETIRED_PAUSE_S = 0.01  # of a thread that would wait for a subscription that is no more
WAIT_NS = 100_000_000  # how long an end may have to wait for its thread


class UnexecutedCallbackGroup(CallbackGroup):
    """A callback group whose members the executor leaves alone: it would wake for every message, or its event."""

    def can_execute(self, entity: Any) -> bool:
        """Never."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Never."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing began."""


class PolledSubscription:
    """A subscription whose messages wait in its queue until `poll`, from any thread, hands them to its callback.

    Args:
        node: that subscribes.
        message_type: of the topic.
        topic: its name.
        take: takes each message, as bytes if `raw`.
        qos: quality of service to request.
        raw: whether messages are handed over in CDR.
    """

    def __init__(
        self,
        node: Node,
        message_type: type[Any],
        topic: str,
        take: Callable[[Any], None],
        qos: QoSProfile,
        raw: bool = False,
    ) -> None:
        self.topic = topic
        self.qos = qos
        self.message_type = message_type
        self._node = node
        self._take = take
        self._raw = raw
        self._lock = Lock()
        self._subscription = self._subscribe()
        self._replaced: Any = None  # the one before, polled until the new one is surely matched
        self._waits: Any = None  # the last wait set, with room for so many subscriptions
        self._room = 0
        self._newest_sent_ns = 0  # when the last message that was handed over was sent; while two receive the same

    def poll(self) -> None:
        """Hand over the messages that wait, oldest first; nothing to do where another thread does so now."""
        if self._lock.acquire(blocking=False):
            try:
                self._hand_over_all()
            finally:
                self._lock.release()

    def wait(self, timeout_ns: int, *others: PolledSubscription) -> None:
        """Sleep until a message waits.

        Args:
            timeout_ns: how long at most.
            others: subscriptions whose messages end it as well.
        """
        subscriptions = [polled._subscription for polled in (self, *others)]
        context: Any = self._node.context.handle
        try:
            with ExitStack() as held:
                for handle in (*(subscription.handle for subscription in subscriptions), context):
                    held.enter_context(handle)
                if self._room != len(subscriptions):
                    self._room = len(subscriptions)
                    self._waits = rclpy_implementation.WaitSet(self._room, 0, 0, 0, 0, 0, context)
                self._waits.clear_entities()
                for subscription in subscriptions:
                    self._waits.add_subscription(subscription.handle)
                self._waits.wait(timeout_ns)
        except rclpy_implementation.InvalidHandle:  # one of them was retired just now
            time.sleep(RETIRED_PAUSE_S)

    def resubscribe(self, qos: QoSProfile) -> None:
        """Subscribe anew with this quality of service; from the executor's thread. The old one receives on."""
        with self._lock:
            self._retire_replaced()
            self.qos, self._replaced = qos, self._subscription
            self._subscription = self._subscribe()

    def retype(self, message_type: type[Any]) -> bool:
        """Subscribe to messages of another type instead; from the executor's thread.

        A middleware may take a topic for one type at a time. False where a thread that waits still holds the one of the
        old type; then nothing comes until this is called again.
        """
        with self._lock:
            self._retire_replaced()
            self._node.destroy_subscription(self._subscription)
            before, self.message_type = self.message_type, message_type
            try:
                self._subscription = self._subscribe()
            except rclpy_implementation.RCLError:
                self.message_type = before
        return self.message_type is message_type

    def retire_replaced(self) -> None:
        """End what `resubscribe` replaced, once the new one had time to match; from the executor's thread."""
        with self._lock:
            self._retire_replaced()

    def _retire_replaced(self) -> None:
        if self._replaced is not None:
            self._hand_over_all()
            self._node.destroy_subscription(self._replaced)
            self._replaced = None

    def _subscribe(self) -> Any:
        return self._node.create_subscription(
            self.message_type,
            self.topic,
            self._take,
            self.qos,
            raw=self._raw,
            callback_group=UnexecutedCallbackGroup(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )

    def _hand_over_all(self) -> None:
        if self._replaced is not None:
            self._hand_over(self._replaced)
        self._hand_over(self._subscription)

    def _hand_over(self, subscription: Any) -> None:
        with suppress(rclpy_implementation.InvalidHandle), subscription.handle:
            for _ in range(MAX_PER_POLL):
                taken = subscription.handle.take_message(subscription.msg_type, self._raw)
                if taken is None:
                    return
                sent_ns = taken[1]["source_timestamp"]
                if self._replaced is not None and sent_ns <= self._newest_sent_ns:
                    continue  # the other one received it, too
                self._newest_sent_ns = sent_ns
                self._take(taken[0])

    def destroy(self) -> None:
        """Unsubscribe."""
        with self._lock:
            self._waits, self._room = None, 0
            self._retire_replaced()
            self._node.destroy_subscription(self._subscription)


class ThreadedSubscription:
    """Polls a subscription on a thread of its own, which calls back within a fraction of a millisecond.

    Args:
        polled: its messages go to its callback.
        patience_ns: longest wait for a message.
        quiet: called after every wait, in which a message may have come or not.
    """

    def __init__(
        self, polled: PolledSubscription, patience_ns: int = WAIT_NS, quiet: Callable[[], None] | None = None
    ) -> None:
        self._polled, self._patience_ns, self._quiet = polled, min(patience_ns, WAIT_NS), quiet
        self._ended = Event()
        self._thread = Thread(target=self._listen, name=polled.topic)
        self._thread.start()

    def destroy(self) -> None:
        """End the thread and unsubscribe."""
        self._ended.set()
        self._thread.join()
        self._polled.destroy()

    def _listen(self) -> None:
        while not self._ended.is_set():
            self._polled.wait(self._patience_ns)
            self._polled.poll()
            if self._quiet is not None:
                self._quiet()
