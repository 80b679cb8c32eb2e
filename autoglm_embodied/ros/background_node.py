"""A ROS node for programs that are none themselves: it has its own context and is spun on a background thread."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TypeVar

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

END_CHECK_S = 0.1
Self = TypeVar("Self", bound="BackgroundNode")


class BackgroundNode:
    """A context manager that leaves the graph at its end; a subclass subscribes and the like, then spins.

    Args:
        name: of the node.
        domain: of the graph.
    """

    def __init__(self, name: str, domain: int) -> None:
        self._context = Context()
        self._context.init(domain_id=domain)
        self._node = Node(name, context=self._context, enable_rosout=False, start_parameter_services=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _spin(self) -> None:
        """Start to spin."""
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=END_CHECK_S)
