"""What the nodes tell the operator of a robot that is moved by voice, as lines; it commands nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from autoglm_embodied_interfaces.msg import FusionState
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from autoglm_embodied.ros.diagnostics import TOPIC
from autoglm_embodied.ros.qos import EVENTS, LATCHED
from autoglm_embodied.ros.run_node import BackgroundNode
from autoglm_embodied.ros.watchdogs import GovernorWatch
from autoglm_embodied.voice.listener import NO_MICROPHONE
from autoglm_embodied.voice.operator_view import OperatorView

CHECK_S = 0.5
GOVERNOR, VOICE = "governor/state", "voice_node: voice"
SILENT = "no voice_node tells what it hears; start it, or wait until it has loaded"


class OperatorNode(BackgroundNode):
    """Shows what is heard and done until it is left; use it as a context manager.

    Args:
        show: takes each line, on the node's thread.
        namespace: of the robot's nodes, such as r1; empty: none.
    """

    def __init__(self, show: Callable[[str], None], namespace: str = "") -> None:
        super().__init__("operator", int(os.environ.get("ROS_DOMAIN_ID", "0")), namespace)
        self._voice = f"{self._node.get_namespace()}/{VOICE}".strip("/")
        self._show, self._view, self._governor = show, OperatorView(), GovernorWatch(GOVERNOR)
        subscribe = self._node.create_subscription
        self._answers = subscribe(DiagnosticStatus, "voice/feedback", self._on_answer, EVENTS)
        subscribe(DiagnosticStatus, GOVERNOR, self._on_governor, LATCHED)
        subscribe(FusionState, "fusion/state", self._on_state, EVENTS)
        subscribe(DiagnosticArray, TOPIC, self._on_diagnostics, EVENTS)
        self._node.create_timer(CHECK_S, self._check)
        self._spin()

    def _tell(self, line: str | None) -> None:
        if line is not None:
            self._show(line)

    def _on_answer(self, answer: DiagnosticStatus) -> None:
        self._tell(self._view.heard(answer.message, {each.key: each.value for each in answer.values}))

    def _on_governor(self, state: DiagnosticStatus) -> None:
        self._governor.take(state, time.monotonic_ns())
        self._check_governor()

    def _on_state(self, state: FusionState) -> None:
        self._tell(self._view.acted(state.instruction, state.phase, state.outcome, state.message))

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name == self._voice:  # and not another robot's
                state = {each.key: each.value for each in status.values}.get("state", "")
                self._tell(self._view.changed("voice", status.message if state == NO_MICROPHONE else state))

    def _check(self) -> None:
        self._check_governor()
        if not self._answers.get_publisher_count():
            self._tell(self._view.changed("voice", SILENT))

    def _check_governor(self) -> None:
        self._tell(self._view.changed("governor", self._governor.trouble(time.monotonic_ns()) or "The robot may move."))
