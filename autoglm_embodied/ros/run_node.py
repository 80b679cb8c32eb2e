"""The main function of every node: spins it until a signal; one sentence and exit code 2 on bad input."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from threading import Event
from typing import Protocol

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from autoglm_embodied.errors import AutoGLMError

SIGNAL_CHECK_S = 0.1  # a signal that comes while nothing else does waits this long
FINAL_SPINS = 20  # of the executor after close, for results that clients wait for
BAD_INPUT = 2


class RunnableNode(Protocol):
    """What `run` needs of a node."""

    @property
    def failure(self) -> Exception | None:
        """Set from any thread: the process then ends with it."""
        ...

    @property
    def ros(self) -> Node:
        """The ROS node to spin."""
        ...

    def close(self) -> None:
        """End every thread and leave the robot safe; the node still spins a moment, then is destroyed."""
        ...


def run(make_node: Callable[[], RunnableNode]) -> int:
    """Make a node and spin it until SIGINT or SIGTERM.

    Args:
        make_node: called once ROS and the signal handlers stand; slow imports belong into it.

    Returns:
        The exit code: 0 after a signal, 2 after an AutoGLMError, whose sentence goes to stderr.
    """
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        _spin(make_node(), ended)
    except AutoGLMError as error:
        print(error, file=sys.stderr, flush=True)
        return BAD_INPUT
    finally:
        rclpy.try_shutdown()
    return 0


def _spin(node: RunnableNode, ended: Event) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node.ros)
    try:
        while not ended.is_set() and node.failure is None:
            executor.spin_once(timeout_sec=SIGNAL_CHECK_S)
    finally:
        node.close()
        for _ in range(FINAL_SPINS):
            executor.spin_once(timeout_sec=0.0)
        executor.shutdown()
        node.ros.destroy_node()
    if node.failure is not None:
        raise node.failure
