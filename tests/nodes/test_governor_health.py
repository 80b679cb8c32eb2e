"""The governor's verdicts as items: what holds the arm, and whether it always does."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.nodes.governor_health import VerdictCounts, governor_items, holding
from autoglm_embodied.ros.diagnostics import Item, Level, Trouble
from autoglm_embodied.safety.governor import Verdict
from autoglm_embodied.safety.limits import Reason


def items(reasons: list[tuple[Reason, ...]], commanded: bool = True) -> dict[str, Item]:
    counts = VerdictCounts()
    for each in reasons:
        counts.count(Verdict(np.zeros(6), None, each))
    lost = {"wrench": [Trouble(Level.WARN, "3 of wrench missing; x")]}
    found = governor_items(counts, "zeroing needs a hand; open it", commanded, {"wrench": {"wrench_lost": 3}}, lost)
    return {item.name: item for item in found}


@pytest.mark.parametrize(
    ("reason", "name", "level"),
    [
        (Reason.WRENCH_SILENT, "wrench", Level.ERROR),
        (Reason.WRENCH_STUCK, "wrench", Level.ERROR),
        (Reason.JOINTS_SILENT, "joints", Level.ERROR),
        (Reason.POLICY_SILENT, "policy", Level.ERROR),
        (Reason.POLICY_NOT_FINITE, "policy", Level.ERROR),
        (Reason.NOT_RESTED, "policy", Level.WARN),
        (Reason.NOT_ZEROED, "zero", Level.WARN),
        (Reason.FORCE, "limits", Level.WARN),
        (Reason.TORQUE, "limits", Level.WARN),
        (Reason.DEADMAN, "deadman", Level.WARN),
    ],
)
def test_what_holds_the_arm_all_the_time_is_as_bad_as_it_is_and_a_moment_a_warning(
    reason: Reason, name: str, level: Level
) -> None:
    assert items([(reason,)] * 9)[name].level is level
    assert items([()] * 8 + [(reason,)])[name].level is Level.WARN
    assert all(item.cure for item in items([(reason,)]).values() if item.troubles)
    assert items([()] * 9)[name].level is (Level.WARN if name == "wrench" else Level.OK)  # some wrenches are missing


def test_a_policy_that_never_commanded_is_waited_for_and_one_that_stopped_to_is_an_error() -> None:
    assert items([(Reason.POLICY_SILENT,)], commanded=False)["policy"].level is Level.WARN
    assert "start fusion_node" in items([(Reason.POLICY_SILENT,)], commanded=False)["policy"].cure
    assert items([(Reason.POLICY_SILENT,)])["policy"].message.startswith("the policy is silent; ")


def test_every_reason_is_told_by_some_item() -> None:
    told = {reason for reason in Reason if items([(reason,)]) != items([()])}
    assert told == set(Reason) - {Reason.STOPPED}  # which the item latch tells


def test_limits_that_bind_are_counted_and_are_no_trouble() -> None:
    limits = items([(Reason.SPEED, Reason.WORKSPACE), (Reason.SPEED,)])["limits"]
    assert limits.level is Level.OK
    assert (limits.values["limited_by_speed"], limits.values["limited_by_workspace"]) == (2, 1)


def test_without_a_verdict_nothing_is_said() -> None:
    assert {name for name, item in items([]).items() if item.troubles} == {"wrench"}


def test_what_comes_and_goes_with_every_command_does_not_hold_the_arm() -> None:
    assert holding((Reason.SPEED, Reason.FORCE, Reason.COLLISION, Reason.STOPPED)) == (Reason.FORCE, Reason.STOPPED)
