"""Writes docs/interfaces.md: topics, services, actions, parameters and diagnostics, asked of the running nodes.

python docs/write_interfaces.py [FILE]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import ParameterDescriptor, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rclpy import spin_once
from rclpy.action import graph as actions
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.graph.processes import Processes
from autoglm_embodied.ros.diagnostics import TOPIC
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.run_node import plain_node

PAGE = Path(__file__).parent / "interfaces.md"
NODES = ("governor_node", "fusion_node", "voice_node", "manager_node")
INACTIVE = ("voice_node",)  # asked before they need hardware
WAITING = (*INACTIVE, "manager_node")  # which would activate those
OF_ALL_NODES = ("/rosout", "/parameter_events")
OF_ROS = ("rcl_interfaces/", "lifecycle_msgs/", "type_description_interfaces/")  # types of what every node has
ONLY_ROS = ("start_type_description_service", "use_sim_time")  # parameters of every node
OF_ACTIONS = "/_action/"
LIMIT_S = 120.0
REPORTS_S = 4.0  # in which each item is reported
HEADER = """# Topics, services, actions, parameters, diagnostics

*Written by `python docs/write_interfaces.py`, which starts the nodes and asks them; a test compares the two.*

Names are relative: a namespace goes before all but `/diagnostics`. What may be set while it runs, `ros2 param set`
changes at once; the rest is read when the node starts. Limits of the governor only become stricter while the arm may
move ([governor.md](governor.md)). What the diagnostics mean is in [governor.md](governor.md#diagnostics).
"""


class Asked:
    """The nodes of a graph, asked by another node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._reports: list[DiagnosticArray] = []
        node.create_subscription(DiagnosticArray, TOPIC, self._reports.append, EVENTS)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Spin until it is so."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > deadline:
                sys.exit(f"{what}: not within {LIMIT_S:.0f} s")
            spin_once(self._node, timeout_sec=0.1)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """The answer of a service."""
        client = self._node.create_client(kind, name)
        self.until(client.service_is_ready, f"{name} is there")
        future = client.call_async(request)
        self.until(future.done, f"{name} answers")
        return future.result()

    def items(self, name: str) -> list[str]:
        """Of the node's diagnostics."""
        found = [status.name.partition(": ") for report in self._reports for status in report.status]
        return sorted({item for node, _, item in found if node == name})

    def page(self, name: str) -> Iterator[str]:
        """The lines of a node."""
        yield from ("", f"## {name}", "")
        kinds = {
            "publishes": self._node.get_publisher_names_and_types_by_node,
            "subscribes to": self._node.get_subscriber_names_and_types_by_node,
            "service": self._node.get_service_names_and_types_by_node,
        }
        yield from ("| | name | type |", "|---|---|---|")
        for kind, ask in kinds.items():
            yield from rows(kind, ask(name, "/"))
        yield from rows("action", actions.get_action_server_names_and_types_by_node(self._node, name, "/"))
        yield from ("", f"Diagnostics: {', '.join(f'`{item}`' for item in self.items(name))}.", "")
        yield from ("| parameter | default | allowed | while it runs | what |", "|---|---|---|---|---|")
        yield from self._parameters(name)

    def _parameters(self, name: str) -> Iterator[str]:
        names = sorted(self.call(ListParameters, f"{name}/list_parameters", ListParameters.Request()).result.names)
        names = [each for each in names if each not in ONLY_ROS and not each.startswith("qos_overrides.")]
        asked = DescribeParameters.Request(names=names)
        known = self.call(DescribeParameters, f"{name}/describe_parameters", asked).descriptors
        values = self.call(GetParameters, f"{name}/get_parameters", GetParameters.Request(names=names)).values
        for each, value in zip(known, values, strict=True):
            live = "" if each.read_only else "yes"
            shown = "`true`" if each.name == "autostart" else default(value)
            yield f"| `{each.name}` | {shown} | {allowed(each)} | {live} | {each.description} |"


def rows(kind: str, found: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """Lines of a table, of what only this node has."""
    for name, types in sorted(found):
        if name not in OF_ALL_NODES and OF_ACTIONS not in name and not types[0].startswith(OF_ROS):
            yield f"| {kind} | `{name if name == TOPIC else name[1:]}` | `{types[0]}` |"


def default(value: ParameterValue) -> str:
    """As written in a parameter file."""
    found = parameter_value_to_python(value)
    if isinstance(found, bool):
        return f"`{str(found).lower()}`"
    if isinstance(found, float):
        return f"`{found:g}`"
    if isinstance(found, str):
        return f"`{found}`" if found else '`""`'
    return f"`{found}`" if isinstance(found, int) else f"`{list(found)}`"


def allowed(known: ParameterDescriptor) -> str:
    """The range."""
    ranges = [*known.floating_point_range, *known.integer_range]
    return f"{ranges[0].from_value:g} to {ranges[0].to_value:g}" if ranges else known.additional_constraints


def main() -> None:
    """Start the nodes, ask them, write the page."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    with tempfile.TemporaryDirectory() as folder, private_domain() as (domain, lock):
        os.environ |= environment(domain, os.environ)
        processes = Processes(Path(folder), os.environ, (lock,))
        try:
            for name in NODES:
                autostart = str(name not in WAITING).lower()
                processes.start(name, f"autoglm_embodied.nodes.{name}", "--ros-args", "-p", f"autostart:={autostart}")
            with plain_node("writer") as node:
                asked = Asked(node)
                for name in INACTIVE:
                    configure = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
                    asked.call(ChangeState, f"{name}/change_state", configure)
                asked.until(lambda: all(asked.items(name) for name in NODES), "every node reports its health")
                end = time.monotonic() + REPORTS_S
                asked.until(lambda: time.monotonic() > end, "time passes")
                processes.check()
                lines = [line for name in NODES for line in asked.page(name)]
        finally:
            processes.stop()
    path.write_text(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
