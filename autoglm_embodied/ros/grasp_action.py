"""The grasp action: its server, which takes one goal at a time, and a client for programs that are no node."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

from action_msgs.msg import GoalStatus
from autoglm_embodied_interfaces.action import Grasp
from rclpy.action.client import ActionClient
from rclpy.action.server import ActionServer, CancelResponse, GoalResponse, ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future

from autoglm_embodied.errors import SetupError
from autoglm_embodied.policy.grasp_episode import Outcome
from autoglm_embodied.ros.run_node import POLL_S, BackgroundNode

GoalHandle: TypeAlias = "ServerGoalHandle[Any, Any, Any]"


@dataclass(frozen=True)
class GoalChanges:
    """What changed of the goal since the ticking thread last asked."""

    begin: str | None  # an instruction to begin with
    end: str | None  # why to end


class GraspServer:
    """Owns the action server, and a client of it, so that spoken goals are as public as any other.

    The executor accepts and cancels, the ticking thread carries out.
    """

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._lock = Lock()
        self._goal: GoalHandle | None = None
        self._started = False
        self._end: str | None = None
        self._open = False
        self._trouble: Callable[[], str] = str
        self._server = ActionServer(
            node,
            Grasp,
            name,
            execute_callback=self._stopped,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )
        self._client: Any = ActionClient(node, Grasp, name)

    def open(self, trouble: Callable[[], str]) -> None:
        """Accept goals from now on; one that comes while `trouble` says why none can begin ends with that as result."""
        with self._lock:
            self._open, self._trouble = True, trouble

    def close(self, result: Grasp.Result) -> None:
        """Accept no goals, and give the running one this result."""
        with self._lock:
            self._open = False
        self.finish(result)

    def destroy(self) -> None:
        """Destroy server and client."""
        self._client.destroy()
        self._server.destroy()

    def say(self, instruction: str) -> None:
        """Send the server a goal that was spoken."""
        self._client.send_goal_async(Grasp.Goal(instruction=instruction)).add_done_callback(self._on_answer)

    def end(self, why: str) -> None:
        """End the running goal, if there is one, for the reason `why`."""
        with self._lock:
            if self._goal is not None:
                self._end = why

    def take(self) -> GoalChanges:
        """What to begin and what to end; each is returned once."""
        with self._lock:
            begin = None
            if self._goal is not None and not self._started:
                begin, self._started = self._goal.request.instruction, True
            end, self._end = self._end, None
            return GoalChanges(begin, end)

    def feedback(self, feedback: Grasp.Feedback) -> None:
        """Publish feedback to the client of the running goal."""
        goal = self._goal
        if goal is not None:
            goal.publish_feedback(feedback)

    def finish(self, result: Grasp.Result) -> None:
        """Give the running goal its result; the next one can then be accepted."""
        with self._lock:
            goal, self._goal, self._started, self._end = self._goal, None, False, None
        if goal is not None:
            # The goal "executes" only now: a callback that awaits the end would keep the executor spinning.
            goal.execute(lambda handle: _conclude(handle, result))

    def _on_goal(self, goal: Grasp.Goal) -> GoalResponse:
        with self._lock:
            if self._open and self._goal is None:
                return GoalResponse.ACCEPT
            why = "a grasp is running; cancel it first" if self._open else "the node is not active"
        self._node.get_logger().warning(f"{goal.instruction!r} is refused: {why}")
        return GoalResponse.REJECT

    def _on_accepted(self, goal: GoalHandle) -> None:
        why = self._trouble()
        with self._lock:
            if not why:
                self._goal, self._started, self._end = goal, False, None
        if why:
            self._node.get_logger().warning(f"{goal.request.instruction!r} is refused: {why}")
            goal.execute(lambda handle: _conclude(handle, Grasp.Result(outcome=Outcome.STOPPED.value, message=why)))

    def _on_cancel(self, goal: GoalHandle) -> CancelResponse:
        self.end("The grasp was cancelled.")
        return CancelResponse.ACCEPT

    def _on_answer(self, future: Future[Any]) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            self._node.get_logger().warning("the spoken goal was not accepted")

    def _stopped(self, goal: GoalHandle) -> Grasp.Result:
        return Grasp.Result(outcome=Outcome.STOPPED.value)


def _conclude(goal: GoalHandle, result: Grasp.Result) -> Grasp.Result:
    if goal.is_cancel_requested:
        goal.canceled()
    elif result.success:
        goal.succeed()
    else:
        goal.abort()
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
            raise SetupError(f"the goal {instruction!r} was rejected: another grasp runs; wait for it or cancel it")
        ended = answer(handle.get_result_async)
        ended.result.success &= ended.status == GoalStatus.STATUS_SUCCEEDED
        return ended.result
