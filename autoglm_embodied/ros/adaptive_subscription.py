"""A polled subscription whose quality of service follows what the publishers of its topic offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from autoglm_embodied.ros.polled_subscription import PolledSubscription

MAX_DEPTH = 4000  # messages: what a publisher keeps may be more than this machine wants to


@dataclass(frozen=True)
class PublisherInfo:
    """One publisher: its node, the type of its messages and the quality of service that it offers."""

    node: str
    type_name: str
    qos: QoSProfile


def type_name(message_type: type[Any]) -> str:
    """A message type as the graph calls it, such as sensor_msgs/msg/Image."""
    package, kind = message_type.__module__.split(".")[:2]
    return f"{package}/{kind}/{message_type.__name__}"


def publishers(node: Node, topic: str) -> list[PublisherInfo]:
    """The publishers of a topic, as far as they are discovered.

    Args:
        node: that looks.
        topic: its name.
    """
    found = node.get_publishers_info_by_topic(topic)
    return [PublisherInfo(info.node_name, info.topic_type, info.qos_profile) for info in found]


def compatible_qos(least: QoSProfile, offered: Sequence[PublisherInfo]) -> QoSProfile:
    """The quality of service to request: all that every publisher offers, no more, so that each of them matches.

    Messages that are sent again when lost, and those sent before this node came, are taken where they can be had. Of
    deadlines, lifespans and liveliness nothing is requested: whatever is offered then matches.

    Args:
        least: what is requested as long as nobody publishes.
        offered: the publishers that send the right type.
    """
    if not offered:
        return least
    reliable = all(publisher.qos.reliability == ReliabilityPolicy.RELIABLE for publisher in offered)
    kept = all(publisher.qos.durability == DurabilityPolicy.TRANSIENT_LOCAL for publisher in offered)
    deepest = max(publisher.qos.depth for publisher in offered)  # 0 where the middleware does not tell
    return QoSProfile(
        depth=max(least.depth, min(deepest, MAX_DEPTH)),
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if kept else DurabilityPolicy.VOLATILE,
    )


class AdaptiveSubscription(PolledSubscription):
    """Subscribes with the least at first, then with what the publishers that are discovered all offer.

    Args:
        node: that subscribes.
        message_type: of the topic.
        topic: its name.
        take: takes each message, as bytes if `raw`.
        least: quality of service until there are publishers.
        raw: whether messages are handed over in CDR.

    Attributes:
        type_name: of the messages that it takes.
        publishers: of the topic, as of the last update.
    """

    def __init__(
        self,
        node: Node,
        message_type: type[Any],
        topic: str,
        take: Callable[[Any], None],
        least: QoSProfile,
        raw: bool = True,
    ) -> None:
        self.type_name = type_name(message_type)
        self.publishers: list[PublisherInfo] = []
        self._least = least
        super().__init__(node, message_type, topic, take, least, raw)

    def update_publishers(self) -> None:
        """See who publishes, and resubscribe if that needs another quality of service; from the executor's thread."""
        self.publishers = publishers(self._node, self.topic)
        fitting = [publisher for publisher in self.publishers if publisher.type_name == self.type_name]
        qos = compatible_qos(self._least, fitting)
        if self.publishers and qos != self.qos:
            self.resubscribe(qos)
        else:
            self.retire_replaced()
