"""The grasp action: one goal at a time. The executor accepts and cancels, the ticking thread carries out."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

from autoglm_embodied_interfaces.action import Grasp
from rclpy.action.client import ActionClient
from rclpy.action.server import ActionServer, CancelResponse, GoalResponse, ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future

GoalHandle: TypeAlias = "ServerGoalHandle[Any, Any, Any]"


@dataclass(frozen=True)
class GoalChanges:
    """What changed of the goal since the ticking thread last asked."""

    begin: str | None  # an instruction to begin with
    end: str | None  # why to end


class GraspServer:
    """Owns the action server, and a client of it, so that spoken goals are as public as any other.

    Args:
        node: that serves.
        name: of the action.
    """

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._lock = Lock()
        self._goal: GoalHandle | None = None
        self._started = False
        self._end: str | None = None
        self._open = False
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

    def open(self) -> None:
        """Accept goals from now on."""
        with self._lock:
            self._open = True

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
        with self._lock:
            self._goal, self._started, self._end = goal, False, None

    def _on_cancel(self, goal: GoalHandle) -> CancelResponse:
        self.end("The grasp was cancelled.")
        return CancelResponse.ACCEPT

    def _on_answer(self, future: Future[Any]) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            self._node.get_logger().warning("the spoken goal was not accepted")

    def _stopped(self, goal: GoalHandle) -> Grasp.Result:
        return Grasp.Result(outcome="stopped")


def _conclude(goal: GoalHandle, result: Grasp.Result) -> Grasp.Result:
    if goal.is_cancel_requested:
        goal.canceled()
    elif result.success:
        goal.succeed()
    else:
        goal.abort()
    return result
