"""A client of the action `grasp` for programs that are no node themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from action_msgs.msg import GoalStatus
from autoglm_embodied_interfaces.action import Grasp
from rclpy.action.client import ActionClient

from autoglm_embodied.errors import SetupError
from autoglm_embodied.ros.background_node import BackgroundNode

POLL_S = 0.1


@dataclass(frozen=True)
class GraspResult:
    """How a grasp ended, as the action's result says."""

    success: bool
    outcome: str
    message: str
    held_force_n: float
    tries: int


class GraspClient(BackgroundNode):
    """Sends instructions to the action server of `domain`; use it as a context manager."""

    def __init__(self, domain: int) -> None:
        super().__init__("grasp_client", domain)
        self._client: Any = ActionClient(self._node, Grasp, "grasp")
        self._spin()

    def grasp(self, instruction: str, timeout_s: float, meanwhile: Callable[[], None]) -> GraspResult:
        """Send the instruction and wait for the result.

        Args:
            instruction: what to pick up.
            timeout_s: for the whole grasp.
            meanwhile: called a few times a second, such as a check that the nodes are alive.

        Raises:
            SetupError: no server, the goal was rejected, or no result in time.
        """
        left_s = timeout_s
        while not self._client.wait_for_server(timeout_sec=POLL_S):
            meanwhile()
            left_s -= POLL_S
            if left_s < 0:
                raise SetupError(f"no action server for grasp within {timeout_s:.0f} s; is fusion_node running?")
        # Sent from the executor's own thread: rclpy 9.1.2 may miss a fast answer to one sent from another.
        goal = Grasp.Goal(instruction=instruction)
        sent = self._executor.create_task(lambda: self._client.send_goal_async(goal))
        handle = self._wait(self._wait(sent, left_s, meanwhile), left_s, meanwhile)
        if not handle.accepted:
            raise SetupError(f"the goal {instruction!r} was rejected: another grasp runs; wait for it or cancel it")
        asked = self._executor.create_task(handle.get_result_async)
        answer = self._wait(self._wait(asked, left_s, meanwhile), left_s, meanwhile)
        result = answer.result
        done = answer.status == GoalStatus.STATUS_SUCCEEDED
        return GraspResult(
            done and result.success, result.outcome, result.message, float(result.held_force_n), int(result.tries)
        )

    def _wait(self, future: Any, timeout_s: float, meanwhile: Callable[[], None]) -> Any:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        for _ in range(round(timeout_s / POLL_S)):
            if done.wait(POLL_S):
                return future.result()
            meanwhile()
        raise SetupError(f"the action grasp did not answer within {timeout_s:.0f} s; see the log of fusion_node")
