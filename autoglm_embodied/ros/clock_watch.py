"""Notices that ROS time stands still, as it does with use_sim_time where nobody publishes /clock."""

from __future__ import annotations

STANDS_NS = 1_000_000_000  # after which it is said; a simulator's clock may come at 10 Hz
CURE = "start or resume the simulator, or set use_sim_time to false"


class ClockWatch:
    """Compares ROS time, which may stand or jump, with the monotonic clock, which does neither."""

    def __init__(self) -> None:
        self._moved = -1, 0  # the time, and when it was first seen on the monotonic clock; replaced as one

    def trouble(self, t_ns: int, now_ns: int) -> str:
        """What is wrong with ROS time `t_ns` at `now_ns` of the monotonic clock; empty if it moves."""
        if t_ns != self._moved[0]:
            self._moved = t_ns, now_ns
        if t_ns == 0:
            return f"no time comes on /clock, which use_sim_time asks for; {CURE}"
        stands_ns = now_ns - self._moved[1]
        return f"the time on /clock stands for {stands_ns / 1e9:.0f} s; {CURE}" if stands_ns >= STANDS_NS else ""
