"""Counts of one stream: how fast it comes and what is missing."""

from __future__ import annotations

from collections import deque

NS_PER_S = 1e9
REPORTS = 5  # over which the rate is taken


class Meter:
    """Rate by receive time, loss by holes in the stamps against the nominal period.

    A stamp out of order fills the hole that was counted for it.
    """

    def __init__(self, nominal_hz: float) -> None:
        self.received = 0
        self.lost = 0
        self._period_ns = NS_PER_S / nominal_hz
        self._newest_stamp_ns: int | None = None
        self._newest_receive_ns = 0
        self._marks: deque[tuple[int, int]] = deque(maxlen=REPORTS + 1)

    def count(self, stamp_ns: int, receive_ns: int) -> None:
        """Note a message."""
        self.received += 1
        self._newest_receive_ns = receive_ns
        if self._newest_stamp_ns is None:
            self._marks.append((self.received, receive_ns))
        elif stamp_ns <= self._newest_stamp_ns:
            self.lost = max(self.lost - (stamp_ns < self._newest_stamp_ns), 0)
            return
        else:
            self.lost += max(round((stamp_ns - self._newest_stamp_ns) / self._period_ns) - 1, 0)
        self._newest_stamp_ns = stamp_ns

    def rate_hz(self) -> float:
        """The rate over the last few calls of this, 0 if nothing came since the last."""
        if not self._marks or self.received == self._marks[-1][0]:
            return 0.0
        self._marks.append((self.received, self._newest_receive_ns))
        count, receive_ns = self._marks[0]
        elapsed_ns = self._newest_receive_ns - receive_ns
        return (self.received - count) * NS_PER_S / elapsed_ns if elapsed_ns > 0 else 0.0
