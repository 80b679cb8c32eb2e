"""Rate, loss and rejected messages of each stream."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from threading import Lock

from autoglm_embodied.errors import SensorError

NS_PER_S = 1e9
JUMP_NS = 1_000_000_000  # between two messages, of their stamps against their receive times
REPORTS = 5  # over which the rate is taken


class StreamMeter:
    """Rate by receive time, loss by gaps in the stamps against the nominal period.

    A stamp out of order fills the gap that was counted for it. Where the stamps jump, and the receive times do not, the
    sender's clock was set or a simulator restarted: nothing is missing there.
    """

    def __init__(self, nominal_hz: float) -> None:
        self.received = 0  # messages
        self.lost = 0  # how many are missing
        self._period_ns = NS_PER_S / nominal_hz
        self._newest_stamp_ns: int | None = None
        self._newest_receive_ns = 0
        self._skew_ns = 0  # stamp - receive time of the last message
        self._marks: deque[tuple[int, int]] = deque(maxlen=REPORTS + 1)

    def count(self, stamp_ns: int, receive_ns: int) -> None:
        """Count a message, or a sample, by its stamp and by when it came on the monotonic clock."""
        self.received += 1
        skew_ns, self._skew_ns = self._skew_ns, stamp_ns - receive_ns
        self._newest_receive_ns = receive_ns
        if self._newest_stamp_ns is None:
            self._marks.append((self.received, receive_ns))
        elif abs(self._skew_ns - skew_ns) > JUMP_NS:
            pass
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


class RejectedMessages:
    """Counts, from any thread, the messages of each stream that were rejected, keeps the last reason and logs each."""

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self._counts: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._reported: Counter[str] = Counter()
        self._lock = Lock()

    def reject(self, stream: str, error: SensorError) -> None:
        """Count a message of a stream that cannot be used, and keep why."""
        with self._lock:
            self._counts[stream] += 1
            self._reasons[stream] = str(error)
        self._log(f"{stream}: {error}")

    def values(self) -> dict[str, float | int | str]:
        """How many were rejected in all and of each stream, and the last reason of each, for the diagnostics."""
        with self._lock:
            values: dict[str, float | int | str] = {"refused": self._counts.total()}
            for stream, count in self._counts.items():
                values |= {f"{stream}_refused": count, f"{stream}_refused_because": self._reasons[stream]}
            return values

    def counts(self) -> dict[str, int]:
        """How many of each stream were rejected."""
        with self._lock:
            return dict(self._counts)

    def summaries_since_last(self) -> list[str]:
        """A sentence for each stream of which something was rejected since the last call of this."""
        with self._lock:
            fresh, self._reported = self._counts - self._reported, self._counts.copy()
            return [f"{count} of {stream} refused: {self._reasons[stream]}" for stream, count in fresh.items()]
