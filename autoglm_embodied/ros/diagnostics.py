"""A node's health on the diagnostics topic, once a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from autoglm_embodied.ros.qos import EVENTS

PERIOD_S = 1.0


@dataclass(frozen=True)
class Health:
    """State of a node: whether it is well, one sentence, and the values behind it."""

    well: bool
    message: str
    values: Mapping[str, float | int | str]


class Diagnostics:
    """Publishes a node's health under its name.

    Args:
        node: that publishes.
        hardware_id: what it drives or reads.
        health: called once a second.
    """

    def __init__(self, node: Node, hardware_id: str, health: Callable[[], Health]) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._health = health
        self._publisher = node.create_publisher(DiagnosticArray, "diagnostics", EVENTS)
        self._timer = node.create_timer(PERIOD_S, self.publish)

    def publish(self) -> None:
        """Publish the health now."""
        health = self._health()
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK if health.well else DiagnosticStatus.WARN,
            name=self._node.get_name(),
            message=health.message,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=_text(value)) for key, value in health.values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def destroy(self) -> None:
        """Publish no more."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)


def _text(value: float | int | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
