"""A client of the action grasp, for programs that are no node."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from autoglm_embodied_interfaces.action import Grasp
from rclpy.action.client import ActionClient

from autoglm_embodied.errors import SetupError
from autoglm_embodied.ros.run_node import POLL_S, BackgroundNode


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
