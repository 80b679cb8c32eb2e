"""What a recording holds of one stream."""

from __future__ import annotations

from array import array

import numpy as np

NS_PER_S = 1e9


class StreamStats:
    """Notes when the messages of a stream came and what their stamps say."""

    def __init__(self) -> None:
        self._receive_ns = array("q")
        self._stamps_ns = array("q")

    def note(self, receive_ns: int, stamp_ns: int) -> None:
        """A message."""
        self._receive_ns.append(receive_ns)
        self._stamps_ns.append(stamp_ns)

    @property
    def messages(self) -> int:
        """How many there are."""
        return len(self._receive_ns)

    @property
    def span_s(self) -> float:
        """From the first to the last, by the time they came."""
        return (max(self._receive_ns) - min(self._receive_ns)) / NS_PER_S if self._receive_ns else 0.0

    @property
    def rate_hz(self) -> float:
        """How many came a second; 0 where there are too few to tell."""
        return (self.messages - 1) / self.span_s if self.span_s > 0 else 0.0

    @property
    def lost(self) -> int:
        """How many are missing between the first and the last stamp, at the period that most of them keep."""
        gaps_ns = np.diff(np.unique(np.frombuffer(self._stamps_ns, np.int64)))
        if not len(gaps_ns):
            return 0
        return int(np.maximum(np.rint(gaps_ns / np.median(gaps_ns)) - 1, 0).sum())
