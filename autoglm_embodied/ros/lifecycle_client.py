"""Asks a lifecycle node of another process for its state and for transitions, without waiting for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition as TransitionMessage
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from autoglm_embodied.ros.bring_up import Transition

IDS = {
    Transition.CONFIGURE: TransitionMessage.TRANSITION_CONFIGURE,
    Transition.ACTIVATE: TransitionMessage.TRANSITION_ACTIVATE,
    Transition.DEACTIVATE: TransitionMessage.TRANSITION_DEACTIVATE,
    Transition.CLEANUP: TransitionMessage.TRANSITION_CLEANUP,
}
MOST_UNANSWERED = 8  # questions for the state of a node that is busy or gone, of which older ones are given up


class LifecycleClient:
    """Talks to one node; answers come on the executor."""

    def __init__(self, node: Node, name: str) -> None:
        """Create the clients.

        Args:
            node: that asks.
            name: of the other, relative to the namespace of `node` unless it begins with /.
        """
        namespace = node.get_namespace().rstrip("/")
        self.full_name = name if name.startswith("/") else f"{namespace}/{name}"
        self._node = node
        self._states: Client[Any, Any] = node.create_client(GetState, f"{self.full_name}/get_state")
        self._changes: Client[Any, Any] = node.create_client(ChangeState, f"{self.full_name}/change_state")
        self._unanswered: deque[tuple[Client[Any, Any], Future[Any]]] = deque()

    def processes(self) -> frozenset[object]:
        """What tells processes of this name apart: a publisher of each; that of a killed one is known for a while."""
        infos = self._node.get_publishers_info_by_topic(f"{self.full_name}/transition_event")
        return frozenset(tuple(info.endpoint_gid) for info in infos)

    def ask_state(self, take: Callable[[str], None]) -> None:
        """Ask for the state; `take` gets it if it comes."""
        while len(self._unanswered) >= MOST_UNANSWERED:
            self._give_up()
        self._call(self._states, GetState.Request(), lambda answer: take(answer.current_state.label))

    def change(self, transition: Transition, take: Callable[[bool], None]) -> None:
        """Ask for a transition; `take` gets whether it happened, if that is answered; no earlier answer comes then."""
        while self._unanswered:  # a state of before the transition could be heard after it
            self._give_up()
        request = ChangeState.Request(transition=TransitionMessage(id=IDS[transition]))
        self._call(self._changes, request, lambda answer: take(answer.success))

    def _call(self, client: Client[Any, Any], request: Any, take: Callable[[Any], None]) -> None:
        if not client.service_is_ready():
            return
        asked = client, client.call_async(request)
        self._unanswered.append(asked)

        def answered(future: Future[Any]) -> None:
            if asked in self._unanswered:
                self._unanswered.remove(asked)
                take(future.result())

        asked[1].add_done_callback(answered)

    def _give_up(self) -> None:
        client, future = self._unanswered.popleft()
        client.remove_pending_request(future)
