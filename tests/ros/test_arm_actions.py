"""Goals take turns, and each ends with a code and a reason; the files of the actions hold the same codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from rclpy.node import Node
from sources import ROOT

from autoglm_embodied.policy.goal import Goal, Outcome
from autoglm_embodied.ros import arm_actions
from autoglm_embodied.ros.arm_actions import ACTIONS, ArmActions, Ending
from autoglm_embodied.types import Intent

CUBE, BALL, HOME = Goal(Intent.GRASP, "the cube"), Goal(Intent.GRASP, "the ball"), Goal(Intent.HOME)
IN_EVERY_ACTION = {"SUCCEEDED", "STOPPED", "CANCELED", "PREEMPTED", "BUSY", "TIMEOUT", "SENSOR_MISSING"}


@dataclass
class Handle:
    """A client's goal, as far as the server may know it."""

    goal_id: str
    results: list[Any] = field(default_factory=list)
    is_cancel_requested = False

    def execute(self, conclude: Any) -> None:
        self.results.append(conclude(self))

    def succeed(self) -> None: ...
    def abort(self) -> None: ...
    def canceled(self) -> None: ...


@dataclass
class Over:
    """An episode that is over."""

    outcome: Outcome = Outcome.HELD
    message: str = "Held."
    over: bool = True
    held_force_n: float = 2.0
    tries: int = 1


@pytest.fixture
def node(default_context: None) -> Iterator[Node]:
    node = Node("tester")
    yield node
    node.destroy_node()


def actions_of(node: Node, preempt: bool = True) -> ArmActions:
    actions = ArmActions(node, preempt)
    actions.open(str)
    return actions


def codes(action: type[Any]) -> dict[str, int]:
    """The constants of an action's file."""
    constants = {name for name in dir(type(action.Result)) if name.isupper() and name[0].isalpha()}
    return {name: getattr(action.Result, name) for name in constants}


@pytest.mark.parametrize("action", ACTIONS.values())
def test_every_action_holds_the_codes_of_the_outcomes(action: type[Any]) -> None:
    found = codes(action)
    assert found.keys() >= IN_EVERY_ACTION
    assert found.pop("SUCCEEDED") == 0
    assert found == {name: Outcome[name].code for name in found}


def test_codes_are_unique_and_all_are_in_some_action() -> None:
    failures = [outcome for outcome in Outcome if outcome.code > 0]
    assert len({outcome.code for outcome in failures}) == len(failures)
    assert {outcome.name for outcome in failures} <= set().union(*map(codes, ACTIONS.values()))


def test_the_documents_table_has_every_code_of_every_action() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| ([\w, ]+) \|", (ROOT / "docs" / "actions.md").read_text(), re.M)
    told = {(action, name): int(code) for code, name, actions in rows for action in actions.split(", ")}
    held = {(intent.name.lower(), name): code for intent, kind in ACTIONS.items() for name, code in codes(kind).items()}
    assert told == held


def test_a_later_goal_of_any_action_takes_the_place_of_the_running_one(node: Node) -> None:
    actions, first, second, third = actions_of(node), Handle("a"), Handle("b"), Handle("c")
    actions.ask(CUBE, first)  # type: ignore[arg-type]
    assert actions.take() == (CUBE, None) and actions.take() == (None, None)
    actions.ask(BALL, second)  # type: ignore[arg-type]
    actions.ask(HOME, third)  # type: ignore[arg-type]
    assert [result.code for result in second.results] == [Outcome.PREEMPTED.code]
    begin, end = actions.take()
    assert begin is None and end is not None and end.outcome is Outcome.PREEMPTED and "the ball" in end.message
    actions.report(None, Over(end.outcome, end.message))  # type: ignore[arg-type]
    assert [(result.code, result.success) for result in first.results] == [(Outcome.PREEMPTED.code, False)]
    assert actions.take() == (HOME, None) and third.results == []


def test_without_preemption_the_later_goal_is_told_why_it_cannot_begin(node: Node) -> None:
    actions, first, second = actions_of(node, preempt=False), Handle("a"), Handle("b")
    actions.ask(CUBE, first)  # type: ignore[arg-type]
    actions.ask(HOME, second)  # type: ignore[arg-type]
    (refused,) = second.results
    assert (refused.code, refused.outcome, refused.success) == (303, "busy", False) and "the cube" in refused.message
    assert actions.take() == (CUBE, None)


def test_a_stop_ends_the_running_and_the_waiting_goal(node: Node) -> None:
    actions, first, second = actions_of(node), Handle("a"), Handle("b")
    actions.ask(CUBE, first)  # type: ignore[arg-type]
    actions.take()
    actions.ask(BALL, second)  # type: ignore[arg-type]
    actions.end(Outcome.STOPPED, "Stopped.")
    assert [result.code for result in second.results] == [Outcome.STOPPED.code]
    assert actions.take() == (None, Ending(Outcome.STOPPED, "Stopped."))
    actions.report(None, Over(Outcome.STOPPED))  # type: ignore[arg-type]
    assert [result.code for result in first.results] == [Outcome.STOPPED.code] and actions.take() == (None, None)


def test_a_goal_that_is_canceled_before_it_began_never_moves_anything(node: Node) -> None:
    actions, first, second = actions_of(node), Handle("a"), Handle("b")
    actions.ask(CUBE, first)  # type: ignore[arg-type]
    actions.take()
    actions.ask(BALL, second)  # type: ignore[arg-type]
    actions._on_cancel(second)  # type: ignore[arg-type]
    actions.report(None, Over(Outcome.PREEMPTED))  # type: ignore[arg-type]
    begin, end = actions.take()
    assert begin == BALL and end is not None and end.outcome is Outcome.CANCELED  # both in one tick: it does not act


def test_goals_that_come_while_none_can_begin_are_told_why(node: Node) -> None:
    actions, handle = ArmActions(node, preempt=True), Handle("a")
    actions.ask(HOME, handle)  # type: ignore[arg-type]
    assert handle.results[0].code == Outcome.STOPPED.code and "tester is not active" in handle.results[0].message
    actions.open(lambda: "The robot is stopped; resume.")
    actions.ask(CUBE, handle)  # type: ignore[arg-type]
    assert handle.results[1].message == "The robot is stopped; resume." and actions.take() == (None, None)


def test_a_result_has_the_code_the_word_and_what_its_action_tells_besides(node: Node) -> None:
    actions, handle = actions_of(node), Handle("a")
    actions.ask(CUBE, handle)  # type: ignore[arg-type]
    actions.take()
    actions.report(None, Over())  # type: ignore[arg-type]
    (result,) = handle.results
    assert (result.success, result.code, result.outcome, result.held_force_n) == (True, 0, "held", 2.0)


def test_each_action_is_named_after_its_intent() -> None:
    assert {intent.name.lower(): kind.__name__ for intent, kind in arm_actions.ACTIONS.items()} == {
        "grasp": "Grasp",
        "place": "Place",
        "release": "Release",
        "home": "Home",
    }
