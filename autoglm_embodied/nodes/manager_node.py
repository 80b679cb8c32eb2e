"""manager_node: brings the lifecycle nodes up in order, says which is missing and why, and brings up what came back."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rcl_interfaces.msg import Log
from rclpy.node import Node
from std_srvs.srv import Trigger

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ros.bring_up import Bond, BringUp, BringUpSettings
from autoglm_embodied.ros.checked_messages import checked
from autoglm_embodied.ros.diagnostics import SEVERITY, Diagnostics, Item, Level
from autoglm_embodied.ros.lifecycle_client import LifecycleClient
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import parameter, settings, topic_parameter
from autoglm_embodied.ros.qos import EVENTS, LATCHED
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.ros.steady_timer import steady_timer
from autoglm_embodied.setting import About

LOOK_S = 0.2
LOOKS_PER_QUESTION = 5  # for the state of each node
QUIET_LOOKS = 25  # nodes that were started with this one are not there at once, and the log need not say so
ERROR = 40  # level of a log message
READY, HARDWARE = "ready", "lifecycle nodes"


class ManagerNode(Node):
    """No lifecycle node itself. It commands no motion: what it activates stands until it is asked for more."""

    failure: Exception | None = None

    def __init__(self) -> None:
        super().__init__("manager_node")
        autostart = parameter(self, "autostart", True, About("whether to bring the nodes up without being asked"))
        self._bring_up = BringUp(settings(self, BringUpSettings, "bring_up"))
        topic = topic_parameter(self, "manager_state", "manager/state")
        check_parameter_files(self)
        self._peers = {name: LifecycleClient(self, name) for name in self._bring_up.bonds}
        self._looks = 0
        self._logged: dict[str, str] = {}  # the last sentence of each node
        self._state = DiagnosticStatus(level=DiagnosticStatus.STALE)  # as published last
        self._states = self.create_publisher(DiagnosticStatus, topic, LATCHED)
        self.create_subscription(Log, "/rosout", checked(Log, self._on_log, self._ignore), EVENTS, raw=True)
        self.create_service(Trigger, "manager/startup", partial(self._do, self._bring_up.startup))
        self.create_service(Trigger, "manager/reset", partial(self._do, self._bring_up.reset))
        self.create_service(Trigger, "manager/is_active", self._on_is_active)
        if autostart:
            self._bring_up.startup()
        self._diagnostics = Diagnostics(self, HARDWARE, self.items)
        self._timer = steady_timer(self, LOOK_S, self._look)

    @property
    def ros(self) -> Node:
        """The node to spin."""
        return self

    def close(self) -> None:
        """Leave the nodes as they are: each is safe by itself."""

    def items(self) -> list[Item]:
        """For the diagnostics."""
        return self._bring_up.items(time.monotonic_ns())

    def _look(self) -> None:
        """Who is there, and in which state? Ask those whose turn it is, and tell of what changed."""
        for name, bond in self._bring_up.bonds.items():
            bond.seen(self._peers[name].processes(), time.monotonic_ns())
            if self._looks % LOOKS_PER_QUESTION == 0 and not bond.pending:
                self._peers[name].ask_state(partial(self._on_state, name))
        self._looks += 1
        for name, transition in self._bring_up.asks(time.monotonic_ns()):
            self.get_logger().debug(f"{name} is to {transition.value}")
            self._peers[name].change(transition, partial(self._on_changed, self._bring_up.bonds[name]))
        self._tell()

    def _on_state(self, name: str, state: str) -> None:
        bond, now_ns = self._bring_up.bonds[name], time.monotonic_ns()
        bond.seen(self._peers[name].processes(), now_ns)  # the next process of the name may tell it
        bond.told(state, now_ns)

    def _on_changed(self, bond: Bond, success: bool) -> None:
        bond.ended(success, time.monotonic_ns())
        self._look()

    def _on_log(self, message: Log) -> None:
        if message.level >= ERROR:
            for name, client in self._peers.items():
                if message.name == client.full_name.strip("/").replace("/", "."):
                    self._bring_up.bonds[name].said(message.msg)

    def _ignore(self, error: SensorError) -> None:
        """Of a log message that cannot be read nothing is to be said in the log."""

    def _do(self, act: Callable[[], None], _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        act()
        self._tell()
        response.success, response.message = True, self._state.message
        return response

    def _on_is_active(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._tell()
        response.success, response.message = self._state.level == DiagnosticStatus.OK, self._state.message
        return response

    def _tell(self) -> None:
        """Publish whether the robot is ready, and log what is wrong, where that changed."""
        for bond in self._bring_up.bonds.values():
            self._log(bond)
        state = self._state_of(self.items())
        if state == self._state:
            return
        if state.level == DiagnosticStatus.OK != self._state.level:
            self.get_logger().info(READY)
        self._state = state
        self._states.publish(state)

    def _log(self, bond: Bond) -> None:
        now_ns = time.monotonic_ns()
        fault, up = bond.fault(now_ns), bond.up(now_ns)
        sentence = f"{bond.name} is active" if up else fault
        if not sentence or self._logged.get(bond.name) == sentence or (fault and self._looks < QUIET_LOOKS):
            return
        self._logged[bond.name] = sentence
        if up:
            self.get_logger().info(sentence)
        else:
            self.get_logger().warning(sentence)

    def _state_of(self, items: list[Item]) -> DiagnosticStatus:
        """Whether every node that is required is active, and the state of each."""
        ready = self._bring_up.ready(time.monotonic_ns())
        worst = max(items, key=lambda item: SEVERITY.index(item.level))
        level, message = (Level.OK, READY) if ready else (worst.level, worst.message)
        values = [
            KeyValue(key=name, value=str(item.values["state"]))
            for name, item in zip(self._bring_up.bonds, items, strict=True)
        ]
        name = f"{self.get_name()}: {READY}"
        return DiagnosticStatus(name=name, level=bytes([level]), message=message, hardware_id=HARDWARE, values=values)


def main() -> int:
    """Run the node until a signal."""
    return run(ManagerNode)


if __name__ == "__main__":
    raise SystemExit(main())
