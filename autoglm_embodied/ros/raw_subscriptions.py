"""Topics as bytes, with the time at which each message came, all taken on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from autoglm_embodied_interfaces.msg import VoiceCommand, WrenchBatch
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.ingest.cdr import BEGIN, LITTLE_ENDIAN, STAMP, read_stamp_ns
from autoglm_embodied.ros.adaptive_subscription import AdaptiveSubscription
from autoglm_embodied.ros.qos import EVENTS, FAST, FRAMES


class TopicType(NamedTuple):
    """The class of a topic's messages and the least quality of service that is requested."""

    message: type[Any]
    qos: QoSProfile


STREAM_TYPES = {
    "rgb": TopicType(Image, FRAMES),
    "depth": TopicType(Image, FRAMES),
    "camera_info": TopicType(CameraInfo, FRAMES),
    "wrench": TopicType(WrenchStamped, FAST),
    "wrench_batch": TopicType(WrenchBatch, FAST),
    "joints": TopicType(JointState, FAST),
    "voice": TopicType(VoiceCommand, EVENTS),
}
"""The streams that can be replayed."""


class RawSubscriptions:
    """Subscriptions that hand every message over in CDR. One thread waits and polls, the executor's adds and updates.

    Args:
        node: that subscribes.
        epoch_ns: the wall clock minus the monotonic one.
        take: takes each message.
    """

    def __init__(self, node: Node, epoch_ns: int, take: Callable[[BagMessage], None]) -> None:
        self._node = node
        self._epoch_ns = epoch_ns
        self._take = take
        self._topics: dict[str, AdaptiveSubscription] = {}

    def add(self, topic: str, kind: TopicType) -> None:
        """Subscribe to a topic.

        Args:
            topic: its name.
            kind: type and quality of service.
        """
        name = self._node.resolve_topic_name(topic)
        stamped = next(iter(kind.message.get_fields_and_field_types().values()), "") == "std_msgs/Header"
        take = partial(self._on_message, name, stamped)
        self._topics = self._topics | {name: AdaptiveSubscription(self._node, kind.message, name, take, kind.qos)}

    def wait(self, timeout_ns: int) -> None:
        """Sleep until a message waits."""
        first, *others = self._topics.values()
        first.wait(timeout_ns, *others)

    def poll(self) -> None:
        """Hand over all that waits."""
        for topic in self._topics.values():
            topic.poll()

    def update_publishers(self) -> None:
        """Request the quality of service that the publishers offer; from the executor's thread."""
        for topic in self._topics.values():
            topic.update_publishers()

    def close(self) -> None:
        """Unsubscribe."""
        for topic in self._topics.values():
            topic.destroy()

    def _on_message(self, topic: str, stamped: bool, data: bytes) -> None:
        receive_ns = time.monotonic_ns()
        stamp_ns = self._stamp_ns(data) if stamped else None
        publish_ns = receive_ns + self._epoch_ns if stamp_ns is None else stamp_ns
        self._take(BagMessage(topic, self._topics[topic].type_name, data, receive_ns, publish_ns))

    def _stamp_ns(self, data: bytes) -> int | None:
        """The header stamp, if it can be read and kept."""
        if data[: len(LITTLE_ENDIAN)] != LITTLE_ENDIAN or len(data) < BEGIN + STAMP.size:
            return None
        stamp_ns = read_stamp_ns(data)
        return stamp_ns if stamp_ns >= 0 else None
