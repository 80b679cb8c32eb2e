"""How the clock of a sender's header stamps runs against this machine's monotonic clock.

A message takes at least some time to come, and often more. So of all messages of a second the one with the largest
`stamp - receive` travelled fastest, and the line through those of the last seconds is the map between the clocks: its
height is the offset (less the shortest way), its slope the drift (after Paxson 1998, On Calibrating Measurements of
Packet Transit Times, section 4; here with a least-squares line).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

SPAN_NS = 1_000_000_000
SPANS = 30  # seconds over which the line is drawn
NS_PER_S = 1e9
LEAST_SPANS = 3  # before there is a line


@dataclass(frozen=True)
class ClockEstimate:
    """The map `stamp = receive + offset + drift * (receive - at)`."""

    offset_ns: int  # at `at_ns`, the shortest way included
    at_ns: int  # receive time
    drift_ppm: float
    residual_ns: float  # root mean square of the fastest messages' distance from the line

    def to_receive_ns(self, stamp_ns: int) -> int:
        """When, on the receive clock, a message of that stamp comes that travels fastest."""
        elapsed_ns = (stamp_ns - self.offset_ns - self.at_ns) / (1 + self.drift_ppm * 1e-6)
        return self.at_ns + round(elapsed_ns)


class ClockMap:
    """Estimates the map from what a stream's messages say; `note` is cheap, the line is drawn once a second."""

    def __init__(self) -> None:
        self.estimate: ClockEstimate | None = None
        self._fastest: deque[tuple[int, int]] = deque(maxlen=SPANS)  # receive time, stamp - receive
        self.clear()

    def clear(self) -> None:
        """Forget all: the sender's clock was set anew."""
        self.estimate = None
        self._fastest.clear()
        self._span_end_ns: int | None = None
        self._best_ns = 0
        self._best_receive_ns = 0
        self.largest_ns: int | None = None  # stamp - receive, of all since the last clear

    def note(self, stamp_ns: int, receive_ns: int) -> None:
        """A message of `stamp_ns` came at `receive_ns`."""
        ahead_ns = stamp_ns - receive_ns
        if self._span_end_ns is None or receive_ns >= self._span_end_ns:
            self._begin_span(ahead_ns, receive_ns)
        elif ahead_ns > self._best_ns:
            self._best_ns, self._best_receive_ns = ahead_ns, receive_ns
            if self.largest_ns is None or ahead_ns > self.largest_ns:
                self.largest_ns = ahead_ns

    def _begin_span(self, ahead_ns: int, receive_ns: int) -> None:
        if self._span_end_ns is not None:
            self._fastest.append((self._best_receive_ns, self._best_ns))
            if len(self._fastest) >= LEAST_SPANS:
                self.estimate = self._line()
        self._span_end_ns = receive_ns + SPAN_NS
        self._best_ns, self._best_receive_ns = ahead_ns, receive_ns
        self.largest_ns = ahead_ns if self.largest_ns is None else max(self.largest_ns, ahead_ns)

    def _line(self) -> ClockEstimate:
        at_ns, offset_ns = self._fastest[-1]
        points = np.array([(receive - at_ns, ahead - offset_ns) for receive, ahead in self._fastest], np.float64)
        x_s, y_ns = points[:, 0] / NS_PER_S, points[:, 1]
        slope, height = np.polyfit(x_s, y_ns, 1)  # ns/s, that is 1e-3 ppm
        residual_ns = float(np.sqrt(np.mean((y_ns - slope * x_s - height) ** 2)))
        return ClockEstimate(offset_ns + round(float(height)), at_ns, float(slope) / 1e3, residual_ns)
