"""The health of a node's items on /diagnostics, once a second: what is wrong with each, how badly, and the cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.steady_timer import steady_timer

TOPIC = "/diagnostics"  # absolute: an aggregator listens there, whatever the node's namespace
PERIOD_S = 1.0
LEAST_SHARE = 0.8  # of the nominal rate, below which a stream is slow
LASTING = 3  # reports in a row, before better news is believed
OK = "ok"


class Level(IntEnum):
    """Level of a DiagnosticStatus; STALE is of what should be known and is not."""

    OK, WARN, ERROR, STALE = range(4)


SEVERITY = (Level.OK, Level.WARN, Level.STALE, Level.ERROR)


class Trouble(NamedTuple):
    """One thing that is wrong: "what is wrong; what to do"."""

    level: Level
    sentence: str


@dataclass(frozen=True)
class Item:
    """Health of one thing that a node does or needs, such as a stream; without troubles all is well."""

    name: str
    values: Mapping[str, float | int | str] = field(default_factory=dict)
    troubles: Sequence[Trouble] = ()

    @property
    def level(self) -> Level:
        """That of the worst trouble."""
        return max((trouble.level for trouble in self.troubles), key=SEVERITY.index, default=Level.OK)

    @property
    def message(self) -> str:
        """All that is wrong."""
        return ". ".join(trouble.sentence for trouble in self.troubles) or OK

    @property
    def cure(self) -> str:
        """What to do."""
        return ". ".join(filter(None, (trouble.sentence.partition("; ")[2] for trouble in self.troubles)))


class Steady:
    """Lets worse news through at once and better news once it lasted: what flutters is shown at its worst."""

    def __init__(self) -> None:
        self._shown: dict[str, Item] = {}
        self._better: Counter[str] = Counter()  # reports in a row

    def settle(self, item: Item) -> Item:
        """The item to show: with its own values, but with the troubles of before until better news lasted."""
        shown = self._shown.get(item.name, item)
        better = SEVERITY.index(item.level) < SEVERITY.index(shown.level)
        self._better[item.name] = self._better[item.name] + 1 if better else 0
        if better and self._better[item.name] < LASTING:
            item = replace(item, troubles=shown.troubles)
        self._shown[item.name] = item
        return item


class Diagnostics:
    """Publishes each item as `NODE: ITEM`, its namespace before it; `hardware_id` is what the node drives or reads."""

    def __init__(self, node: Node, hardware_id: str, items: Callable[[], Sequence[Item]]) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._items = items
        self._steady = Steady()
        self._publisher = node.create_publisher(DiagnosticArray, TOPIC, EVENTS)
        self._timer = steady_timer(node, PERIOD_S, self._publish)

    def _publish(self) -> None:
        message = DiagnosticArray(status=[self._status(self._steady.settle(item)) for item in self._items()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _status(self, item: Item) -> DiagnosticStatus:
        values = {"cure": item.cure, **item.values} if item.cure else item.values
        return DiagnosticStatus(
            level=bytes([item.level]),
            name=f"{self._node.get_fully_qualified_name().strip('/')}: {item.name}",
            message=item.message,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
        )


def trouble_if(condition: object, level: Level, sentence: str) -> list[Trouble]:
    """One trouble, or none."""
    return [Trouble(level, sentence)] if condition else []


def _text(value: float | int | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
