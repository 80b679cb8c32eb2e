"""A node's health on the diagnostics topic, once a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from autoglm_embodied.ros.qos import EVENTS

PERIOD_S = 1.0
LEAST_SHARE = 0.8  # of the nominal rate, below which a stream is slow


@dataclass(frozen=True)
class Health:
    """State of a node: whether it is well, one sentence, and the values behind it."""

    well: bool
    message: str
    values: Mapping[str, float | int | str]


class Diagnostics:
    """Publishes a node's health under its name; `hardware_id` is what it drives or reads."""

    def __init__(self, node: Node, hardware_id: str, health: Callable[[], Health]) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._health = health
        self._publisher = node.create_publisher(DiagnosticArray, "diagnostics", EVENTS)
        self._timer = node.create_timer(PERIOD_S, self._publish)

    def _publish(self) -> None:
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


def _text(value: float | int | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
