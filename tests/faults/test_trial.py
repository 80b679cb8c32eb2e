"""What is read out of the commands, places and words that were received during a fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoglm_embodied.faults.fault import RECORDER, Fault, Harm
from autoglm_embodied.faults.trial import Received, Result, Trial, add_figures, result
from autoglm_embodied.metrics import Report

MS = 1_000_000
STANDS = Fault("some", "what", "wrench silent", 20.0)
GOES_ON = Fault("other", "what")
ON, BACK, STILL = np.array([0, 0.1, 0, 0, 0, 0]), np.array([0, -0.02, 0, 0, 0, 0]), np.zeros(6)


def judged(
    fault: Fault, *runs: tuple[int, object], told: tuple[tuple[int, str], ...] = (), drift: float = 0.0
) -> Result:
    """Of commands every 10 ms, so many of each; the fault begins at 100 ms and clears at 600 ms of 1 s."""
    received = Received(told=[(t_ms * MS, text) for t_ms, text in told])
    at_m = np.zeros(3)
    for count, twist in ((10, ON), *runs):
        for _ in range(count):
            received.twists.append((len(received.twists) * 10 * MS, np.asarray(twist)))
            at_m = at_m + np.asarray(twist)[:3] * 0.01 + [drift, 0, 0]
            received.tool.append((received.twists[-1][0], at_m))
    return result(Trial(fault, 100 * MS, 600 * MS, 1000 * MS), received)


def test_times_are_those_from_the_onset_and_from_the_clearing() -> None:
    told = ((90, "governor: wrench silent"), (115, "governor: "), (125, "governor: joints silent, wrench silent"))
    one = judged(STANDS, (2, ON), (58, STILL), (20, ON), told=told)
    assert (one.detect_ms, one.safe_ms, one.recovery_ms) == (25, 20, 100)
    assert one.motion_mm == pytest.approx(1.0, abs=0.01)
    assert one.recovered and not (one.uncommanded or one.nan)


def test_an_arm_that_moves_again_during_the_fault_was_not_safe_before() -> None:
    assert judged(STANDS, (2, ON), (20, STILL), (2, ON), (56, STILL)).safe_ms == 240
    assert judged(STANDS, (50, ON), (30, STILL)).safe_ms is None


def test_going_back_is_safe_where_the_fault_asks_for_it() -> None:
    assert judged(STANDS, (50, BACK), (30, ON)).safe_ms is None
    one = judged(replace(STANDS, backs_off=True), (1, ON), (49, BACK), (30, ON))
    assert one.safe_ms == 10 and not one.uncommanded


@pytest.mark.parametrize("wrong", [[0.1, 0.1, 0, 0, 0, 0], 2 * ON, -ON, ON + [0, 0, 0.01, 0, 0, 0]])
def test_commands_out_of_the_line_or_faster_are_uncommanded(wrong: object) -> None:
    assert judged(GOES_ON, (10, ON), (1, wrong), (69, ON)).uncommanded
    assert not judged(GOES_ON, (10, ON), (1, STILL), (69, ON)).uncommanded
    assert not judged(replace(GOES_ON, grasp=True), (10, ON), (1, wrong), (69, ON)).uncommanded


def test_a_tool_that_moves_while_it_is_to_stand_is_uncommanded() -> None:
    assert judged(STANDS, (80, STILL), drift=0.0001).uncommanded
    assert not judged(STANDS, (80, STILL), drift=0.00001).uncommanded


def test_commands_that_go_on_as_before_are_undisturbed() -> None:
    assert judged(GOES_ON, (80, ON)).undisturbed
    assert not judged(GOES_ON, (30, ON), (1, 0.7 * ON), (49, ON)).undisturbed


def test_a_grasp_that_slows_down_by_itself_is_undisturbed_and_goes_on_once_it_is_not_held() -> None:
    grasp = replace(GOES_ON, grasp=True)
    assert judged(grasp, (30, 0.01 * ON), (50, ON)).undisturbed
    assert not judged(grasp, (30, ON), (1, STILL), (49, ON)).undisturbed
    assert judged(replace(STANDS, grasp=True), (2, ON), (58, STILL), (20, 0.01 * ON)).recovery_ms == 100


def test_commands_that_are_no_numbers_are_counted() -> None:
    assert judged(STANDS, (3, np.full(6, np.nan)), (77, STILL)).nan == 3


def test_without_commands_the_arm_is_safe_once_it_stands() -> None:
    tool = [(t * 10 * MS, np.array([0, 0.001 * min(t, 25), 0])) for t in range(100)]
    received = Received([(t * 10 * MS, ON) for t in range(12)], tool)
    one = result(Trial(STANDS, 100 * MS, 600 * MS, 1000 * MS), received)
    assert one.safe_ms == 140 and one.recovery_ms is None


def figures(fault: Fault, *results: Result) -> Report:
    report = Report("autoglm faults", 0, 0)
    add_figures(report, fault, results)
    return report


def test_figures_are_of_what_came_and_say_what_did_not() -> None:
    good = judged(STANDS, (2, ON), (58, STILL), (20, ON), told=((125, "governor: wrench silent"),))
    never = judged(STANDS, (50, ON), (30, STILL))
    report = figures(STANDS, good, never)
    assert report.value("fault.safe_ms", case="some", stat="max") == 20
    assert report.value("fault.recovered", case="some") == 0.5
    assert report.value("fault.motion_mm", case="some", stat="max") == pytest.approx(49, abs=2)
    whys = {skipped.figure: skipped.why for skipped in report.skipped}
    assert whys["fault.safe_ms"] == "some: it never came in 1 of 2 trials"


def test_what_need_not_stand_has_no_time_to_stand_and_what_was_killed_no_recovery() -> None:
    report = figures(GOES_ON, judged(GOES_ON, (80, ON)))
    assert report.value("fault.undisturbed", case="other") == 1.0
    killed = replace(STANDS, process="governor_node", harm=Harm.KILLED)
    report = figures(killed, judged(killed, (80, STILL)))
    assert not any(row.figure.startswith("fault.recover") for row in report.rows)
    assert "must be started again" in report.skipped[-1].why


def test_what_runs_beside_the_arm_may_end_and_the_arm_recovers_all_the_same() -> None:
    full = replace(GOES_ON, process=RECORDER, harm=Harm.FULL_DISK)
    assert full.ends_process and not full.needs_restart
    report = figures(full, judged(full, (80, ON)))
    assert report.value("fault.recovered", case="other") == report.value("fault.undisturbed", case="other") == 1.0
