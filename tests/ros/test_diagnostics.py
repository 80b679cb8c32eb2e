"""What is wrong is told at once, item by item, with its cure, and cleared once it lasted to be well."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.node import Node

from autoglm_embodied.ros.diagnostics import LASTING, SEVERITY, Diagnostics, Item, Level, Steady, Trouble

SLOW = Trouble(Level.WARN, "wrench is slow: 3 of 9 Hz; set its rate")
ABSENT = Trouble(Level.ERROR, "no wrench: nobody publishes it; start the driver")


def item(level: Level) -> Item:
    return Item("wrench", {}, () if level is Level.OK else [Trouble(level, level.name)])


def test_an_item_is_as_bad_as_the_worst_of_its_troubles_and_has_all_their_cures() -> None:
    both = Item("wrench", {}, [SLOW, ABSENT])
    assert both.level is Level.ERROR and both.message == f"{SLOW.sentence}. {ABSENT.sentence}"
    assert both.cure == "set its rate. start the driver"
    assert (Item("wrench").level, Item("wrench").message, Item("wrench").cure) == (Level.OK, "ok", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(list(Level)), min_size=1, max_size=12))
def test_no_report_is_milder_than_it_was_lately_and_the_last_word_stands(levels: list[Level]) -> None:
    steady = Steady()
    shown = [steady.settle(item(level)).level for level in levels]
    for at, level in enumerate(levels):
        assert SEVERITY.index(shown[at]) >= SEVERITY.index(level)
    assert [steady.settle(item(levels[-1])).level for _ in range(LASTING)][-1] is levels[-1]


def test_a_trouble_that_comes_and_goes_stays_and_one_that_is_cured_clears_with_values_of_now() -> None:
    steady = Steady()
    assert steady.settle(Item("wrench", {"hz": 1}, [SLOW])).troubles == [SLOW]
    for report in range(11):
        assert steady.settle(Item("wrench", {"hz": report}, [] if report % 2 else [SLOW])).level is Level.WARN
    cured = [steady.settle(Item("wrench", {"hz": 9})) for _ in range(LASTING)]
    assert [each.level for each in cured[-2:]] == [Level.WARN, Level.OK] and cured[0].values == {"hz": 9}


def test_every_namespace_is_heard_on_one_topic_and_told_apart_by_name(graph: Any) -> None:
    reports = graph.collect(DiagnosticArray, "/diagnostics")
    items = [Item("wrench", {"hz": 1.0}, [ABSENT]), Item("clock")]
    for namespace in ("", "/r1"):
        node = Node("some_node", namespace=namespace, context=graph.context, start_parameter_services=False)
        Diagnostics(node, "panda", lambda: items)
        graph.spin(node)
    names = {"some_node: wrench", "some_node: clock", "r1/some_node: wrench", "r1/some_node: clock"}
    graph.until(lambda: {each.name for report in reports for each in report.status} == names, "all items are told")
    wrench, clock = reports[0].status
    assert (wrench.level, clock.level) == (DiagnosticStatus.ERROR, DiagnosticStatus.OK)
    assert {pair.key: pair.value for pair in wrench.values} == {"cure": "start the driver", "hz": "1.000"}
    assert (wrench.message, wrench.hardware_id, clock.message) == (ABSENT.sentence, "panda", "ok")
