"""Spins nodes: one until a signal, as the main function of every node does, or one in the background of a program."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Protocol, TypeVar

import rclpy
from rclpy.context import Context
from rclpy.exceptions import InvalidNamespaceException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.validate_namespace import validate_namespace

from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import AutoGLMError, ConfigError, SetupError
from autoglm_embodied.ros.parameter_files import given_files

POLL_S = 0.1  # an end or a signal that comes while nothing else does waits this long
FINAL_SPINS = 20  # of the executor after close, for results that clients wait for
BAD_INPUT = 2
Self = TypeVar("Self", bound="BackgroundNode")


class RunnableNode(Protocol):
    """What `run` needs of a node."""

    @property
    def failure(self) -> Exception | None:
        """Set from any thread: the process then ends with it."""

    @property
    def ros(self) -> Node:
        """The ROS node to spin."""

    def close(self) -> None:
        """End every thread and leave the robot safe; the node still spins a moment, then is destroyed."""


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
    try:
        _init(sys.argv)
        _spin(_made(make_node), ended)
    except AutoGLMError as error:
        print(error, file=sys.stderr, flush=True)
        return BAD_INPUT
    finally:
        rclpy.try_shutdown()
    return 0


def _init(arguments: Sequence[str]) -> None:
    """Initialise ROS; ConfigError if a parameter file is wrong, of which ROS takes keys that stand twice in silence."""
    for path in given_files(arguments):
        read_yaml(path)
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except rclpy_implementation.RCLError as error:
        raise ConfigError(f"ROS cannot start with these arguments: {' '.join(str(error).split())}") from error


def _made(make_node: Callable[[], RunnableNode]) -> RunnableNode:
    try:
        return make_node()
    except rclpy_implementation.RCLError as error:
        reason = " ".join(str(error).split())
        secured = os.environ.get("ROS_SECURITY_ENABLE", "").lower() == "true"
        cure = "unset ROS_SECURITY_ENABLE, or see docs/safety.md" if secured else "see the settings of ROS 2"
        raise SetupError(f"ROS cannot make the node: {reason}; {cure}") from error


def _spin(node: RunnableNode, ended: Event) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node.ros)
    try:
        while not ended.is_set() and node.failure is None:
            executor.spin_once(timeout_sec=POLL_S)
    finally:
        node.close()
        for _ in range(FINAL_SPINS):
            executor.spin_once(timeout_sec=0.0)
        executor.shutdown()
        node.ros.destroy_node()
    if node.failure is not None:
        raise node.failure


def _check_namespace(namespace: str) -> None:
    try:
        validate_namespace(f"/{namespace.lstrip('/')}")
    except InvalidNamespaceException as error:
        wanted = "letters, digits and underscores between slashes, such as r1"
        raise ConfigError(f"a namespace must be {wanted}, got {namespace!r}") from error


@contextmanager
def plain_node(name: str) -> Iterator[Node]:
    """A node with nothing but what its program adds, which also spins it."""
    rclpy.init()
    node = rclpy.create_node(name, enable_rosout=False, start_parameter_services=False)
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


class BackgroundNode:
    """A node for programs that are none themselves: a context manager that leaves the graph at its end.

    A subclass subscribes and the like on the graph of its domain, then spins. Where its methods take `meanwhile`, they
    call it a few times a second as they wait, such as to check that the nodes are alive.
    """

    def __init__(self, name: str, domain: int, namespace: str = "") -> None:
        _check_namespace(namespace)
        self._context = Context()
        self._context.init(domain_id=domain)
        self._node = Node(
            name, context=self._context, namespace=namespace, enable_rosout=False, start_parameter_services=False
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._ending = Event()
        self._thread = Thread(target=self._run, name=name)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _spin(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=POLL_S)

    def _wait(self, ready: Callable[[], bool], deadline_s: float, meanwhile: Callable[[], None], late: str) -> None:
        """Call `ready`, which waits a little itself, until it is so, `meanwhile` in between, or fail with `late`."""
        while not ready():
            meanwhile()
            if time.monotonic() > deadline_s:
                raise SetupError(late)

    def _result(self, future: Any, deadline_s: float, meanwhile: Callable[[], None], late: str) -> Any:
        """The result of a future; see `_wait`."""
        done = Event()
        future.add_done_callback(lambda _: done.set())
        self._wait(lambda: done.wait(POLL_S), deadline_s, meanwhile, late)
        return future.result()
