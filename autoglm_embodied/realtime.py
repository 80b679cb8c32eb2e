"""Real-time priority of threads that must run when they are due."""

from __future__ import annotations

import os

TICK_PRIORITY, GOVERNOR_PRIORITY = 10, 20  # of SCHED_FIFO; below the 50 of ros2_control's controller manager


def be_punctual(priority: int) -> bool:
    """Run this thread, and none that it starts, before all others as soon as it is due.

    Linux's fair scheduler may let a thread that wakes up wait for 3 ms. False where the system grants no real-time
    priority; nothing changes then.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (AttributeError, PermissionError):  # not Linux; or a user without `rtprio`
        return False
    return True
