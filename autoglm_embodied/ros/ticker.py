"""A callback at a steady rate on a thread of its own, with real-time priority where the system grants it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

NS_PER_S = 1e9
TICK_PRIORITY, GOVERNOR_PRIORITY = 10, 20  # of SCHED_FIFO; below the 50 of ros2_control's controller manager
MEASURING_PRIORITY = 30  # of what measures delays: its own must not count
WHOLE_PROCESS = "AUTOGLM_REAL_TIME_PROCESS"  # environment variable; 0: not where a simulator shares the processors


def set_real_time_priority(priority: int, inherited: bool = False) -> bool:
    """Run this thread before all others as soon as it is due.

    Linux's fair scheduler may let a thread that wakes up wait for 3 ms. False where the system grants no real-time
    priority; nothing changes then.

    Args:
        priority: of SCHED_FIFO.
        inherited: whether the threads and processes that it starts run so, too.
    """
    try:
        policy = os.SCHED_FIFO if inherited else os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except (AttributeError, PermissionError):  # not Linux; or a user without `rtprio`
        return False
    return True


@contextmanager
def real_time_threads(priority: int) -> Iterator[None]:
    """Run this thread so, and all that are started meanwhile for as long as they live, those of the middleware too.

    Where one thread alone had the priority, it would wait for the interpreter's lock, or for a message, as long as
    another thread without it does not run.
    """
    granted = os.environ.get(WHOLE_PROCESS) != "0" and set_real_time_priority(priority, inherited=True)
    try:
        yield
    finally:
        if granted:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


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
