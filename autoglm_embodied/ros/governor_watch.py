"""Notices that the governor is gone, idle or stopped, by the state that it repeats."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus

GONE_S = 2.0  # without a state, of which five come in a second


class GovernorWatch:
    """Keeps the last state of the governor. Times are on the monotonic clock."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._last: tuple[DiagnosticStatus, int] | None = None  # replaced as one: two threads ask

    def take(self, state: DiagnosticStatus, receive_ns: int) -> None:
        """Take a state of the governor, and when it came."""
        self._last = state, receive_ns

    def trouble(self, now_ns: int) -> str:
        """Why nothing can be grasped, one sentence; empty if nothing is wrong."""
        if self._last is None:
            return f"No governor tells its state on {self._topic}; start governor_node."
        state, receive_ns = self._last
        if self._gone(now_ns):
            old_s = (now_ns - receive_ns) / 1e9
            return f"The governor is gone, its last state is {old_s:.0f} s old; see its log and start it again."
        if state.level == DiagnosticStatus.OK:
            return ""
        cure = "; resume before the next grasp" if state.level == DiagnosticStatus.ERROR else ""
        return f"The robot is {state.message}{cure}."

    def stopped(self, now_ns: int) -> bool:
        """Whether all that is wrong is a stop."""
        level = DiagnosticStatus.OK if self._last is None else self._last[0].level
        return level == DiagnosticStatus.ERROR and not self._gone(now_ns)

    def _gone(self, now_ns: int) -> bool:
        return self._last is not None and (now_ns - self._last[1]) / 1e9 > GONE_S
