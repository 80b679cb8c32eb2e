"""Polled subscriptions in CDR whose quality of service follows what the publishers of their topics offer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from autoglm_embodied_interfaces.msg import VoiceCommand, WrenchBatch
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState, PointCloud2

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import BEGIN, LITTLE_ENDIAN, STAMP, read_stamp_ns
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import EVENTS, FAST, FRAMES

MAX_DEPTH = 4000  # messages: what a publisher keeps may be more than this machine wants to


class TopicType(NamedTuple):
    """The class of a topic's messages and the least quality of service that is requested."""

    message: type[Any]
    qos: QoSProfile
    others: tuple[type[Any], ...] = ()  # classes that are read as well, should its publishers send one of them


STREAM_TYPES = {  # of what can be replayed
    "rgb": TopicType(Image, FRAMES, (CompressedImage,)),
    "depth": TopicType(Image, FRAMES, (CompressedImage, PointCloud2)),
    "camera_info": TopicType(CameraInfo, FRAMES),
    "depth_info": TopicType(CameraInfo, FRAMES),
    "wrench": TopicType(WrenchStamped, FAST),
    "wrench_batch": TopicType(WrenchBatch, FAST),
    "joints": TopicType(JointState, FAST),
    "voice": TopicType(VoiceCommand, EVENTS),
}


def type_name(message_type: type[Any]) -> str:
    """A message type as the graph calls it, such as sensor_msgs/msg/Image."""
    package, kind = message_type.__module__.split(".")[:2]
    return f"{package}/{kind}/{message_type.__name__}"


class AdaptiveSubscription(PolledSubscription):
    """Subscribes with the least at first, then with what the publishers that are discovered all offer.

    Where none of them sends the first of the types that can be read, it subscribes to another that one does send.
    """

    def __init__(self, node: Node, topic: str, kind: TopicType, take: Callable[[bytes], None]) -> None:
        self.publishers: list[TopicEndpointInfo] = []  # of the topic, as of the last update
        self._kind = kind
        super().__init__(node, kind.message, topic, take, kind.qos, raw=True)

    @property
    def type_name(self) -> str:
        """The type that is subscribed to."""
        return type_name(self.message_type)

    @property
    def readable(self) -> dict[str, type[Any]]:
        """All types that can be read, by their names."""
        return {type_name(message): message for message in (self._kind.message, *self._kind.others)}

    @property
    def fitting_publishers(self) -> list[TopicEndpointInfo]:
        """Those that send the right type."""
        return [publisher for publisher in self.publishers if publisher.topic_type == self.type_name]

    def update_publishers(self) -> None:
        """See who publishes, and resubscribe if that needs another quality of service or type.

        From the executor's thread.
        """
        self.publishers = self._node.get_publishers_info_by_topic(self.topic)
        published = {publisher.topic_type for publisher in self.publishers}
        wanted = next((message for name, message in self.readable.items() if name in published), self.message_type)
        if not self.fitting_publishers and wanted is not self.message_type and not self.retype(wanted):
            return
        qos = _compatible_qos(self._kind.qos, [publisher.qos_profile for publisher in self.fitting_publishers])
        if self.publishers and qos != self.qos:
            self.resubscribe(qos)
        else:
            self.retire_replaced()


def _compatible_qos(least: QoSProfile, offered: Sequence[QoSProfile]) -> QoSProfile:
    """All that every publisher offers, no more, so that each of them matches.

    Messages that are sent again when lost, and those sent before this node came, are taken where they can be had. Of
    deadlines, lifespans and liveliness nothing is requested: whatever is offered then matches.
    """
    if not offered:
        return least
    reliable = all(qos.reliability == ReliabilityPolicy.RELIABLE for qos in offered)
    kept = all(qos.durability == DurabilityPolicy.TRANSIENT_LOCAL for qos in offered)
    deepest = max(qos.depth for qos in offered)  # 0 where the middleware does not tell
    return QoSProfile(
        depth=max(least.depth, min(deepest, MAX_DEPTH)),
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if kept else DurabilityPolicy.VOLATILE,
    )


class RawSubscriptions:
    """Subscriptions that hand every message over in CDR. One thread waits and polls, the executor's adds and updates.

    `epoch_ns` is the wall clock minus the monotonic one.
    """

    def __init__(self, node: Node, epoch_ns: int, take: Callable[[BagMessage], None]) -> None:
        self._node = node
        self._epoch_ns = epoch_ns
        self._take = take
        self._topics: dict[str, AdaptiveSubscription] = {}

    def add(self, topic: str, kind: TopicType) -> None:
        """Subscribe to a topic of this type."""
        name = self._node.resolve_topic_name(topic)
        stamped = next(iter(kind.message.get_fields_and_field_types().values()), "") == "std_msgs/Header"
        subscription = AdaptiveSubscription(self._node, name, kind, partial(self._on_message, name, stamped))
        self._topics = self._topics | {name: subscription}

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
        stamp_ns = _stamp_ns(data) if stamped else -1
        publish_ns = stamp_ns if stamp_ns >= 0 else receive_ns + self._epoch_ns
        self._take(BagMessage(topic, self._topics[topic].type_name, data, receive_ns, publish_ns))


def _stamp_ns(data: bytes) -> int:
    """The header stamp, below 0 where it cannot be read or kept."""
    if data[: len(LITTLE_ENDIAN)] == LITTLE_ENDIAN and len(data) >= BEGIN + STAMP.size:
        with suppress(SensorError):
            return read_stamp_ns(data)
    return -1
