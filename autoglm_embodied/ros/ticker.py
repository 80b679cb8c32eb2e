"""A callback at a steady rate on a thread of its own, with real-time priority where the system grants it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Event, Thread

NS_PER_S = 1e9
TICK_PRIORITY, GOVERNOR_PRIORITY = 10, 20  # of SCHED_FIFO; below the 50 of ros2_control's controller manager


def set_real_time_priority(priority: int) -> bool:
    """Run this thread, and none that it starts, before all others as soon as it is due.

    Linux's fair scheduler may let a thread that wakes up wait for 3 ms. False where the system grants no real-time
    priority; nothing changes then.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (AttributeError, PermissionError):  # not Linux; or a user without `rtprio`
        return False
    return True


class Ticker:
    """Calls `tick` on an absolute schedule; a slot that has passed is skipped, never caught up.

    An error in it ends the thread, and `fail` takes it. The priority is one of SCHED_FIFO, where the system grants it.
    """

    def __init__(
        self, rate_hz: float, tick: Callable[[], None], fail: Callable[[Exception], None], priority: int = TICK_PRIORITY
    ) -> None:
        self._period_ns = round(NS_PER_S / rate_hz)
        self._tick = tick
        self._fail = fail
        self._priority = priority
        self._ended = Event()
        self._thread = Thread(target=self._run, name=f"ticker {rate_hz:g} Hz")
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        set_real_time_priority(self._priority)
        next_ns = time.monotonic_ns()
        while not self._ended.wait(max(next_ns - time.monotonic_ns(), 0) / NS_PER_S):
            try:
                self._tick()
            except Exception as error:
                self._fail(error)
                return
            passed = (time.monotonic_ns() - next_ns) // self._period_ns
            next_ns += (passed + 1) * self._period_ns
