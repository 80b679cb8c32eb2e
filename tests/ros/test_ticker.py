"""Real-time priority: taken where the system grants it, and by the asking thread alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Event, Thread

import pytest

from autoglm_embodied.ros.ticker import (
    GOVERNOR_PRIORITY,
    MEASURING_PRIORITY,
    TICK_PRIORITY,
    WHOLE_PROCESS,
    real_time_threads,
    set_real_time_priority,
)


def on_a_thread(ask: Callable[[], object]) -> object:
    answers: list[object] = []
    thread = Thread(target=lambda: answers.append(ask()))
    thread.start()
    thread.join()
    return answers[0]


def policy() -> tuple[int, int]:
    """Of the calling thread, without the flag that its children start anew."""
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.sched_getparam(0).sched_priority


def test_where_it_is_granted_the_thread_has_it_and_neither_its_children_nor_the_others() -> None:
    def ask() -> tuple[bool, object, object]:
        return set_real_time_priority(TICK_PRIORITY), policy(), on_a_thread(policy)

    granted, own, child = on_a_thread(ask)  # type: ignore[misc]
    assert own == ((os.SCHED_FIFO, TICK_PRIORITY) if granted else (os.SCHED_OTHER, 0))
    assert child == policy() == (os.SCHED_OTHER, 0)


def test_threads_that_are_started_meanwhile_have_it_as_long_as_they_live_and_later_ones_do_not() -> None:
    def ask() -> tuple[object, ...]:
        end, told = Event(), list[object]()
        with real_time_threads(GOVERNOR_PRIORITY):
            within = policy()
            longer = Thread(target=lambda: told.append(end.wait() and policy()))
            longer.start()
        end.set()
        longer.join()
        return within, told[0], policy(), on_a_thread(policy)

    within, told, after, later = on_a_thread(ask)  # type: ignore[misc]
    granted = on_a_thread(lambda: set_real_time_priority(GOVERNOR_PRIORITY))
    assert within == told == ((os.SCHED_FIFO, GOVERNOR_PRIORITY) if granted else (os.SCHED_OTHER, 0))
    assert after == later == (os.SCHED_OTHER, 0)


def test_beside_a_simulator_the_threads_of_a_process_do_not_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WHOLE_PROCESS, "0")
    with real_time_threads(GOVERNOR_PRIORITY):
        assert policy() == (os.SCHED_OTHER, 0)


def test_where_it_is_not_granted_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def rejected(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", rejected)
    assert not on_a_thread(lambda: set_real_time_priority(GOVERNOR_PRIORITY))
    with real_time_threads(GOVERNOR_PRIORITY):
        assert policy() == (os.SCHED_OTHER, 0)
    assert policy() == (os.SCHED_OTHER, 0)


def test_the_governor_comes_before_the_ticks() -> None:
    assert TICK_PRIORITY < GOVERNOR_PRIORITY < MEASURING_PRIORITY < 50  # of ros2_control's controller manager
