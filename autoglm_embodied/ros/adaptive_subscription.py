"""A sensor's topic: what its publishers offer, and a polled subscription that suits all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from autoglm_embodied.ros.polled_subscription import PolledSubscription

MOST_DEEP = 4000  # messages: what a publisher keeps may be more than this machine wants to


@dataclass(frozen=True)
class Offer:
    """One publisher: its node, the type of its messages and its quality of service."""

    node: str
    type_name: str
    qos: QoSProfile


def type_name(message_type: type[Any]) -> str:
    """A message type as the graph calls it, such as sensor_msgs/msg/Image."""
    package, kind = message_type.__module__.split(".")[:2]
    return f"{package}/{kind}/{message_type.__name__}"


def offers(node: Node, topic: str) -> list[Offer]:
    """The publishers of a topic, as far as they are discovered."""
    found = node.get_publishers_info_by_topic(topic)
    return [Offer(info.node_name, info.topic_type, info.qos_profile) for info in found]


def adapted(least: QoSProfile, given: Sequence[Offer]) -> QoSProfile:
    """The quality of service to ask for: all that every publisher offers, no more, so that each of them matches.

    Messages that are sent again when lost, and those sent before this node came, are taken where they can be had. Of
    deadlines, lifespans and liveliness nothing is asked: whatever is offered then matches.

    Args:
        least: what is asked for as long as nobody publishes.
        given: the publishers that send the right type.
    """
    if not given:
        return least
    reliable = all(offer.qos.reliability == ReliabilityPolicy.RELIABLE for offer in given)
    kept = all(offer.qos.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in given)
    deepest = max(offer.qos.depth for offer in given)  # 0 where the middleware does not tell
    return QoSProfile(
        depth=max(least.depth, min(deepest, MOST_DEEP)),
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if kept else DurabilityPolicy.VOLATILE,
    )


class SensorTopic(PolledSubscription):
    """Subscribes with the least at first, then with what the publishers that `look` finds all offer.

    Attributes:
        type_name: of the messages that it takes.
        offers: who publishes the topic, as of the last look.
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
        self.offers: list[Offer] = []
        self._least = least
        super().__init__(node, message_type, topic, take, least, raw)

    def look(self) -> None:
        """See who publishes now, and subscribe anew if that asks for another quality of service; by the executor."""
        self.offers = offers(self._node, self.topic)
        qos = adapted(self._least, [offer for offer in self.offers if offer.type_name == self.type_name])
        if self.offers and qos != self.qos:
            self.resubscribe(qos)
        else:
            self.retire_replaced()
