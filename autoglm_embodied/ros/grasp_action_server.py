"""The grasp action: one goal at a time. The executor takes orders here, the ticking thread carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from autoglm_embodied_interfaces.action import Grasp
from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future


@dataclass(frozen=True)
class Order:
    """What changed since the ticking thread last asked."""

    begin: str | None  # an instruction to begin with
    end: str | None  # why to end


class GraspServer:
    """Owns the action `grasp`, and a client of it, so that spoken goals are as public as any other."""

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._lock = Lock()
        self._goal: ServerGoalHandle | None = None
        self._begun = False
        self._end: str | None = None
        self._open = False
        self._server = ActionServer(
            node,
            Grasp,
            name,
            execute_callback=self._nothing_to_report,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )
        self._client = ActionClient(node, Grasp, name)

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
        """Serve no more."""
        self._client.destroy()
        self._server.destroy()

    def say(self, instruction: str) -> None:
        """Send ourselves the goal that was spoken."""
        self._client.send_goal_async(Grasp.Goal(instruction=instruction)).add_done_callback(self._on_answer)

    def end(self, why: str) -> None:
        """End the running goal, if there is one."""
        with self._lock:
            if self._goal is not None:
                self._end = why

    def take(self) -> Order:
        """What to begin and what to end; each is told once."""
        with self._lock:
            begin = None
            if self._goal is not None and not self._begun:
                begin, self._begun = self._goal.request.instruction, True
            end, self._end = self._end, None
            return Order(begin, end)

    def feedback(self, feedback: Grasp.Feedback) -> None:
        """Tell the client how it goes."""
        goal = self._goal
        if goal is not None:
            goal.publish_feedback(feedback)

    def finish(self, result: Grasp.Result) -> None:
        """Hand in the result and be free for the next goal."""
        with self._lock:
            goal, self._goal, self._begun, self._end = self._goal, None, False, None
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

    def _on_accepted(self, goal: ServerGoalHandle) -> None:
        with self._lock:
            self._goal, self._begun, self._end = goal, False, None

    def _on_cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        self.end("The grasp was cancelled.")
        return CancelResponse.ACCEPT

    def _on_answer(self, future: Future) -> None:
        if not future.result().accepted:
            self._node.get_logger().warning("the spoken goal was not accepted")

    def _nothing_to_report(self, goal: ServerGoalHandle) -> Grasp.Result:
        return Grasp.Result(outcome="stopped")


def _conclude(goal: ServerGoalHandle, result: Grasp.Result) -> Grasp.Result:
    if goal.is_cancel_requested:
        goal.canceled()
    elif result.success:
        goal.succeed()
    else:
        goal.abort()
    return result
