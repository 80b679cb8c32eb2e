"""Watchdogs on the monotonic clock: of ROS time that stands, of the governor, of a second node that commands too."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

from diagnostic_msgs.msg import DiagnosticStatus

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


GONE_S = 2.0  # without a state, of which five come in a second
ANEW_S = 1.0  # for which it is told that another governor is there: some ticks hear of it, however late they are
STARTED = "started"  # key of a state: when its governor started


class GovernorWatch:
    """Keeps the last state of the governor, and notices another one in its place. Times are on the monotonic clock."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._last: tuple[DiagnosticStatus, int] | None = None  # replaced as one: two threads ask
        self._anew_ns: int | None = None  # when a state of another governor than before came

    def take(self, state: DiagnosticStatus, receive_ns: int) -> None:
        """Take a state of the governor, and when it came."""
        # One that died and is back within GONE_S is not missed, but what ran under it must not go on under the next.
        before, started = "" if self._last is None else _started(self._last[0]), _started(state)
        if before and started and before != started:
            self._anew_ns = receive_ns
        self._last = state, receive_ns

    def trouble(self, now_ns: int) -> str:
        """Why nothing can be grasped, one sentence; empty if nothing is wrong."""
        if self._last is None:
            return f"No governor tells its state on {self._topic}; start governor_node."
        state, receive_ns = self._last
        if self._gone(now_ns):
            old_s = (now_ns - receive_ns) / 1e9
            return f"The governor is gone, its last state is {old_s:.0f} s old; see its log and start it again."
        if self._anew_ns is not None and (now_ns - self._anew_ns) / 1e9 < ANEW_S:
            return "The governor was started again, or there are two; ask again when one governs."
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


def _started(state: DiagnosticStatus) -> str:
    """When the governor of a state started; empty where that is not told."""
    return next((pair.value for pair in state.values if pair.key == STARTED), "")


WINDOW_S = 1.0
SPARE = 1  # messages more than those that one node sends at most, from which on there are two
MOST = 10_000  # messages of a window


class RivalWatch:
    """Compares what comes on a topic with what one publisher sends there, while more than one is known.

    Publishers alone say little: one that was killed is known for twenty seconds more, and one that is not active is
    no rival. Times are on the monotonic clock.
    """

    def __init__(self, topic: str, publishers: Callable[[], int], per_s: float = 0.0, most: float = 1.2) -> None:
        """Watch.

        Args:
            topic: its name, for the sentence.
            publishers: how many are known there.
            per_s: messages a second of one node, if it is another than this.
            most: times that many, or as many as this node sent, that one node sends at most.
        """
        self._topic, self._publishers = topic, publishers
        self._per_s, self._most = per_s, most
        self._lock = Lock()  # two threads ask
        self._sent_ns: deque[int] = deque(maxlen=MOST)
        self._received_ns: deque[int] = deque(maxlen=MOST)

    def sent(self, now_ns: int) -> None:
        """Note that this node sent a message there."""
        self._sent_ns.append(now_ns)

    def received(self, now_ns: int) -> None:
        """Note that a message came, of this node or of another."""
        self._received_ns.append(now_ns)

    def trouble(self, now_ns: int) -> str:
        """Why nothing may move, in one sentence; empty if there is no second node."""
        with self._lock:
            for times in (self._sent_ns, self._received_ns):
                while times and (now_ns - times[0]) / 1e9 > WINDOW_S:
                    times.popleft()
        one = max(self._per_s, len(self._sent_ns))
        if len(self._received_ns) <= self._most * one + SPARE or self._publishers() < 2:
            return ""
        return f"More than one node commands on {self._topic}; end all but one."
