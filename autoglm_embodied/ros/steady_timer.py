"""Timers that no other clock holds up: a node's own wait for /clock where it uses that."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home differs between distributions
from rclpy.node import Node
from rclpy.timer import Timer


def steady_timer(node: Node, period_s: float, callback: Callable[[], None]) -> Timer:
    """A timer on the executor that runs by the monotonic clock."""
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
