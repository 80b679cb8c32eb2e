"""Notices a second node where only one may command: two governors, or two fusion nodes, of one robot."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

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
