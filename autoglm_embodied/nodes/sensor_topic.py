"""A sensor's topic: a polled subscription that suits its publishers, and knows who they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from autoglm_embodied.nodes.offers import Offer, adapted, offers, type_name
from autoglm_embodied.nodes.polled import PolledSubscription


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
            self.renew(qos)
        else:
            self.settle()
