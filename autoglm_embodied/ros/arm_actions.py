"""The action servers of the arm: one goal of any of them at a time, however it came, and each ends with a reason.

And a client of `grasp`, for programs that are no node.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from action_msgs.msg import GoalStatus
from autoglm_embodied_interfaces.action import Grasp, Home, Place, Release
from rclpy.action.client import ActionClient
from rclpy.action.server import ActionServer, CancelResponse, ServerGoalHandle
from rclpy.node import Node

from autoglm_embodied.errors import SetupError
from autoglm_embodied.policy.goal import Goal, Outcome
from autoglm_embodied.ros.fusion_messages import feedback_message, result_message
from autoglm_embodied.ros.run_node import POLL_S, BackgroundNode
from autoglm_embodied.types import Intent

if TYPE_CHECKING:  # torch comes with them
    from autoglm_embodied.policy.episode import Episode
    from autoglm_embodied.policy.pipeline import Tick

GoalHandle: TypeAlias = "ServerGoalHandle[Any, Any, Any]"
ACTIONS: dict[Intent, type[Any]] = {
    Intent.GRASP: Grasp,
    Intent.PLACE: Place,
    Intent.RELEASE: Release,
    Intent.HOME: Home,
}
"""The action that carries out an intent; its name is the intent's."""


class Ending(NamedTuple):
    """Why a goal is to end."""

    outcome: Outcome
    message: str


@dataclass
class Order:
    """A goal that was accepted; spoken ones have no client, and so no handle."""

    goal: Goal
    handle: GoalHandle | None = None
    started: bool = False
    ending: Ending | None = None


class GoalChanges(NamedTuple):
    """What changed since the ticking thread last asked."""

    begin: Goal | None
    end: Ending | None


class ArmActions:
    """Owns the action servers. The executor takes and cancels goals, the ticking thread carries them out.

    A goal that cannot begin is accepted and ended at once, so that its client is told why by a result.
    """

    def __init__(self, node: Node, preempt: bool) -> None:
        """Offer the actions, which refuse all goals until `open`.

        Args:
            node: that offers them.
            preempt: whether a later goal takes the place of the running one, as in Nav2; else it is refused.
        """
        self._node = node
        self._preempt = preempt
        self._lock = Lock()
        self._running: Order | None = None
        self._next: Order | None = None  # takes its place
        self._trouble: Callable[[], str] = self._inactive
        self._servers = [
            ActionServer(
                node,
                action,
                intent.name.lower(),
                execute_callback=partial(_stopped, action),
                handle_accepted_callback=partial(self._on_accepted, intent),
                cancel_callback=self._on_cancel,
            )
            for intent, action in ACTIONS.items()
        ]

    def open(self, trouble: Callable[[], str]) -> None:
        """Begin goals from now on; one that comes while `trouble` says why none can ends with that as its result."""
        self._trouble = trouble

    def close(self) -> None:
        """End all goals, and refuse those that come."""
        self._trouble = self._inactive
        self.end(Outcome.STOPPED, self._inactive())
        running = self._running
        if running is not None:
            self._finish(running, running.ending or Ending(Outcome.STOPPED, self._inactive()))

    def destroy(self) -> None:
        """Destroy the servers."""
        for server in self._servers:
            server.destroy()

    def ask(self, goal: Goal, handle: GoalHandle | None = None) -> None:
        """Take a goal: it begins with the next tick, once the running one was ended, or is refused."""
        trouble = self._trouble()
        order = Order(goal, handle)
        refused: tuple[Order, Ending] | None = None
        with self._lock:
            if trouble:
                refused = order, Ending(Outcome.STOPPED, trouble)
            elif self._running is None:
                self._running = order
            elif self._preempt:
                preempted = Ending(Outcome.PREEMPTED, f"Another goal took its place: {goal}.")
                self._running.ending = self._running.ending or preempted
                refused = None if self._next is None else (self._next, preempted)
                self._next = order
            else:
                refused = order, Ending(Outcome.BUSY, f"Another goal runs: {self._running.goal}; cancel it first.")
        if refused is not None:
            self._conclude(*refused)

    def end(self, outcome: Outcome, why: str) -> None:
        """End all goals that there are, for the reason `why`."""
        with self._lock:
            waiting, self._next = self._next, None
            if self._running is not None:
                self._running.ending = Ending(outcome, why)
        if waiting is not None:
            self._conclude(waiting, Ending(outcome, why))

    def take(self) -> GoalChanges:
        """What to begin and what to end; each is returned once."""
        with self._lock:
            running = self._running
            if running is None:
                return GoalChanges(None, None)
            begin = None if running.started else running.goal
            running.started = True
            return GoalChanges(begin, running.ending)

    def report(self, tick: Tick, episode: Episode) -> None:
        """Tell the client how its goal goes; once the episode is over, its result, after which the next can begin."""
        running = self._running
        if running is None:
            return
        if episode.over:
            self._finish(running, Ending(episode.outcome, episode.message), episode)
        elif running.handle is not None:
            action = ACTIONS[running.goal.intent]
            running.handle.publish_feedback(feedback_message(action.Feedback, tick, episode))

    def _finish(self, running: Order, ending: Ending, episode: Episode | None = None) -> None:
        with self._lock:
            self._running, self._next = self._next, None
        self._conclude(running, ending, episode)

    def _conclude(self, order: Order, ending: Ending, episode: Episode | None = None) -> None:
        self._node.get_logger().info(f"{order.goal}: {ending.outcome.word}: {ending.message}")
        if order.handle is not None:
            result = result_message(ACTIONS[order.goal.intent].Result, *ending, episode)
            # The goal "executes" only now: a callback that awaits the end would keep the executor spinning.
            order.handle.execute(lambda handle: _set_state(handle, result))

    def _on_accepted(self, intent: Intent, handle: GoalHandle) -> None:
        self.ask(Goal(intent, getattr(handle.request, "instruction", "")), handle)

    def _on_cancel(self, handle: GoalHandle) -> CancelResponse:
        with self._lock:
            for order in (self._running, self._next):
                if order is not None and order.handle is not None and order.handle.goal_id == handle.goal_id:
                    order.ending = Ending(Outcome.CANCELED, "It was canceled.")
        return CancelResponse.ACCEPT

    def _inactive(self) -> str:
        return f"{self._node.get_name()} is not active; activate it."


def _stopped(action: type[Any], _: GoalHandle) -> Any:
    return result_message(action.Result, Outcome.STOPPED, "The node ended.")


def _set_state(handle: GoalHandle, result: Any) -> Any:
    if handle.is_cancel_requested:
        handle.canceled()
    elif result.success:
        handle.succeed()
    else:
        handle.abort()
    return result


class GraspClient(BackgroundNode):
    """Sends instructions to the action server of `domain`; use it as a context manager."""

    def __init__(self, domain: int) -> None:
        super().__init__("grasp_client", domain)
        self._client: Any = ActionClient(self._node, Grasp, "grasp")
        self._spin()

    def grasp(self, instruction: str, timeout_s: float, meanwhile: Callable[[], None]) -> Grasp.Result:
        """Send an instruction and wait for the result, for the whole grasp no longer than the timeout.

        Raises:
            SetupError: no server, the goal was rejected, or no result in time.
        """
        deadline_s = time.monotonic() + timeout_s
        absent = f"no action server for grasp within {timeout_s:.0f} s; is fusion_node running?"
        self._wait(lambda: self._client.wait_for_server(timeout_sec=POLL_S), deadline_s, meanwhile, absent)

        def answer(ask: Callable[[], Any]) -> Any:
            # Asked from the executor's own thread: rclpy 9.1.2 may miss a fast answer to what another asks.
            late = f"the action grasp did not answer within {timeout_s:.0f} s; see the log of fusion_node"
            asked = self._result(self._executor.create_task(ask), deadline_s, meanwhile, late)
            return self._result(asked, deadline_s, meanwhile, late)

        handle = answer(lambda: self._client.send_goal_async(Grasp.Goal(instruction=instruction)))
        if not handle.accepted:
            raise SetupError(f"the goal {instruction!r} was rejected; see the log of fusion_node")
        ended = answer(handle.get_result_async)
        ended.result.success &= ended.status == GoalStatus.STATUS_SUCCEEDED
        return ended.result
