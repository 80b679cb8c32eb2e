"""Offset and drift of a sender's clock (its header stamps) against this machine's monotonic clock.

Transport adds a delay that varies but has a minimum. So of all messages of a second the one with the largest
`stamp - receive` travelled fastest, and a line fitted to those of the last seconds maps one clock to the other: its
height is the offset (less the shortest delay), its slope the drift (Paxson 1998, On Calibrating Measurements of Packet
Transit Times, section 4; here with a least-squares line).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

SPAN_NS = 1_000_000_000
SPANS = 30  # seconds that the line is fitted to
NS_PER_S = 1e9
MIN_SPANS = 3  # before there is an estimate


@dataclass(frozen=True)
class ClockEstimate:
    """The map `stamp = receive + offset + drift * (receive - at)`."""

    offset_ns: int  # at `at_ns`, less the shortest transport delay
    at_ns: int  # receive time
    drift_ppm: float
    residual_ns: float  # RMS distance of the fastest messages from the line


class ClockOffsetEstimator:
    """Estimates the map from a stream's messages: `add` is cheap, the line is fitted once a second.

    Attributes:
        estimate: the newest estimate, None before there is one.
        largest_ns: largest `stamp - receive` since the last `clear`, None before a message.
    """

    def __init__(self) -> None:
        self.estimate: ClockEstimate | None = None
        self._fastest: deque[tuple[int, int]] = deque(maxlen=SPANS)  # receive time, stamp - receive
        self.clear()

    def clear(self) -> None:
        """Forget all messages, as when the sender's clock was set."""
        self.estimate = None
        self._fastest.clear()
        self._span_end_ns: int | None = None
        self._span_fastest = (0, 0)  # of the current second: receive time, stamp - receive
        self.largest_ns: int | None = None

    def add(self, stamp_ns: int, receive_ns: int) -> None:
        """Account for one message of a header stamp, received at `receive_ns` on the monotonic clock."""
        ahead_ns = stamp_ns - receive_ns
        if self._span_end_ns is None or receive_ns >= self._span_end_ns:
            self._end_span()
            self._span_end_ns = receive_ns + SPAN_NS
        elif ahead_ns <= self._span_fastest[1]:
            return
        self._span_fastest = receive_ns, ahead_ns
        if self.largest_ns is None or ahead_ns > self.largest_ns:
            self.largest_ns = ahead_ns

    def stamp_ns(self, receive_ns: int) -> int:
        """The sender's clock at `receive_ns` on the monotonic clock, as far as its messages tell."""
        found = self.estimate
        if found is None:
            return receive_ns + (self.largest_ns or 0)
        return receive_ns + found.offset_ns + round(found.drift_ppm * 1e-6 * (receive_ns - found.at_ns))

    def _end_span(self) -> None:
        if self._span_end_ns is not None:
            self._fastest.append(self._span_fastest)
            if len(self._fastest) >= MIN_SPANS:
                self.estimate = self._fit()

    def _fit(self) -> ClockEstimate:
        at_ns, offset_ns = self._fastest[-1]
        points = np.array([(receive - at_ns, ahead - offset_ns) for receive, ahead in self._fastest], np.float64)
        x_s, y_ns = points[:, 0] / NS_PER_S, points[:, 1]
        slope, height = np.polyfit(x_s, y_ns, 1)  # ns/s, that is 1e-3 ppm
        residual_ns = float(np.sqrt(np.mean((y_ns - slope * x_s - height) ** 2)))
        return ClockEstimate(offset_ns + round(float(height)), at_ns, float(slope) / 1e3, residual_ns)
