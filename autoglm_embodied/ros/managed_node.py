"""A lifecycle node whose transitions happen whole or not at all; by default it configures and activates itself."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from autoglm_embodied.errors import AutoGLMError, SensorError, SetupError
from autoglm_embodied.ros.diagnostics import Item, Level, trouble_if
from autoglm_embodied.ros.parameters import parameter, value
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.ros.steady_timer import steady_timer
from autoglm_embodied.setting import About

INACTIVE, ACTIVE, UNCONFIGURED = "inactive", "active", "unconfigured"
LOG_PERIOD_S = 2.0  # of messages that are not used
LAST_WORDS_S = 0.2  # between the end of the work and that of the action: results are on their way


class ManagedNode(LifecycleNode, ABC):
    """Comes up by `configure` and `activate` of a subclass, which register on a stack how each thing is undone.

    What is registered is undone in reverse order on the way down, and at once where the way up fails: nothing is left.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._failure: Exception | None = None
        self._starting = False  # then a refusal is told by who starts the node
        self._refusal: AutoGLMError | None = None
        self._undo: dict[str, ExitStack] = {}  # by the state that it leaves
        parameter(self, "autostart", True, About("whether to configure and activate without a lifecycle manager"))

    @property
    def ros(self) -> Node:
        """The node to spin."""
        return self

    @property
    def failure(self) -> Exception | None:
        """What ended a thread; the process then ends with it."""
        return self._failure

    @property
    def state(self) -> str:
        """The state of the lifecycle: unconfigured, which what is finalized is, too, inactive or active."""
        # Looked up, never iterated: other threads ask, too, while a transition changes the dictionary.
        return next((state for state in (ACTIVE, INACTIVE) if state in self._undo), UNCONFIGURED)

    def lifecycle_item(self) -> Item:
        """For the diagnostics of the node."""
        name, state = self.get_name(), self.state
        idle = f"{name} is {state}; configure and activate it: ros2 lifecycle set {self.get_fully_qualified_name()}"
        return Item("lifecycle", {"state": state}, trouble_if(state != ACTIVE, Level.WARN, idle))

    def fail(self, error: Exception) -> None:
        """Take the error that ended a thread; from any thread."""
        self._failure = error

    def reject(self, error: SensorError) -> None:
        """Log why a message is not used, at times."""
        self.get_logger().warning(str(error), throttle_duration_sec=LOG_PERIOD_S)

    @abstractmethod
    def configure(self, undo: ExitStack) -> None:
        """Load what is needed, and create what the node is known by; an AutoGLMError is why it cannot."""

    @abstractmethod
    def activate(self, undo: ExitStack) -> None:
        """Begin to work; an AutoGLMError is why it cannot."""

    def start(self) -> None:
        """Configure and activate, unless parameter `autostart` leaves that to others.

        Raises:
            AutoGLMError: why it could not.
        """
        if not value(self, "autostart"):
            return
        self._starting = True
        for transition in (self.trigger_configure, self.trigger_activate):
            transition()
            if self._refusal is not None:
                raise self._refusal
        self._starting = False

    def close(self) -> None:
        """End the work, and all threads of it."""
        self._leave(ACTIVE)

    def destroy_node(self) -> None:
        """Undo everything."""
        self._leave(ACTIVE, INACTIVE)
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See `configure`."""
        return self._enter(INACTIVE, self.configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See `activate`."""
        return self._enter(ACTIVE, self.activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo `activate`."""
        return self._leave(ACTIVE)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo `configure`."""
        return self._leave(INACTIVE)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state: undo everything, the results of what was running after it was told."""
        ended = self._leave(ACTIVE)

        def end() -> None:
            self.destroy_timer(timer)
            self._leave(INACTIVE)

        timer = steady_timer(self, LAST_WORDS_S, end)
        return ended

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a way down that failed: the rest of it, so that the node can come up again."""
        return self._leave(ACTIVE, INACTIVE)

    def _enter(self, state: str, come_up: Callable[[ExitStack], None]) -> TransitionCallbackReturn:
        self._refusal, undo = None, ExitStack()
        try:
            come_up(undo)
        except Exception as error:
            self._refuse(state, error)
            self._close(undo)
            return TransitionCallbackReturn.FAILURE
        self._undo[state] = undo
        return TransitionCallbackReturn.SUCCESS

    def _refuse(self, state: str, error: Exception) -> None:
        if not isinstance(error, AutoGLMError):
            self.get_logger().debug(traceback.format_exc())
            error = SetupError(f"{self.get_name()} cannot become {state}: {' '.join(str(error).split())}")
        self._refusal = error
        if not self._starting:
            self.get_logger().error(str(error))

    def _leave(self, *states: str) -> TransitionCallbackReturn:
        left = [self._close(self._undo.pop(state)) for state in states if state in self._undo]
        return TransitionCallbackReturn.SUCCESS if all(left) else TransitionCallbackReturn.ERROR

    def _close(self, undo: ExitStack) -> bool:
        try:
            undo.close()  # all of it, whatever fails
        except Exception as error:
            self.get_logger().error(f"not everything of {self.get_name()} could be ended: {error}")
            return False
        return True


def run_managed(make_node: Callable[[], ManagedNode]) -> int:
    """Make a node, start it if it is to start itself, and spin it until a signal; see `run`."""

    def make_and_start() -> ManagedNode:
        node = make_node()
        try:
            node.start()
        except AutoGLMError:
            node.destroy_node()
            raise
        return node

    return run(make_and_start)
