"""Rate, loss and rejected messages of each stream."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from threading import Lock

from autoglm_embodied.errors import SensorError

NS_PER_S = 1e9
JUMP_NS = 1_000_000_000  # between two messages, of their stamps against their receive times
SILENCE_NS = 500_000_000  # between two messages: their sender paused, it is not that some were lost on the way
REPORTS = 5  # over which the rate is taken


class StreamMeter:
    """Rate by receive time, loss by gaps in the stamps against the nominal period.

    A stamp out of order fills the gap that was counted for it. Where the stamps jump, and the receive times do not, the
    sender's clock was set or a simulator restarted: nothing is missing there.
    """

    def __init__(self, nominal_hz: float) -> None:
        self.received = 0  # messages
        self.lost = 0  # how many are missing
        self.lost_in_silence = 0  # of these, in which its sender may have paused
        self._period_ns = NS_PER_S / nominal_hz
        self._newest_stamp_ns: int | None = None
        self._newest_receive_ns = 0
        self._skew_ns = 0  # stamp - receive time of the last message
        self._lost_since_report = 0
        self._silent_ns = 0  # the longest silence since the last report
        self._marks: deque[tuple[int, int]] = deque(maxlen=REPORTS + 1)

    def count(self, stamp_ns: int, receive_ns: int) -> None:
        """Count a message, or a sample, by its stamp and by when it came on the monotonic clock."""
        self.received += 1
        skew_ns, self._skew_ns = self._skew_ns, stamp_ns - receive_ns
        silent_ns, self._newest_receive_ns = receive_ns - self._newest_receive_ns, receive_ns
        if self._newest_stamp_ns is None:
            self._marks.append((self.received, receive_ns))
        elif abs(self._skew_ns - skew_ns) > JUMP_NS:
            pass
        elif stamp_ns <= self._newest_stamp_ns:
            self._count_lost(-1 if stamp_ns < self._newest_stamp_ns else 0, silent_ns)
            return
        else:
            self._count_lost(max(round((stamp_ns - self._newest_stamp_ns) / self._period_ns) - 1, 0), silent_ns)
        self._newest_stamp_ns = stamp_ns

    def _count_lost(self, count: int, silent_ns: int) -> None:
        self.lost = max(self.lost + count, 0)
        if silent_ns > SILENCE_NS:
            self.lost_in_silence = max(self.lost_in_silence + count, 0)
            self._silent_ns = max(self._silent_ns, silent_ns)
        else:
            self._lost_since_report = max(self._lost_since_report + count, 0)

    def values(self, stream: str) -> dict[str, float | int | str]:
        """For the diagnostics; the rate is that since the last few calls."""
        counts = {"received": self.received, "lost": self.lost, "lost_in_silence": self.lost_in_silence}
        return {f"{stream}_hz": self.rate_hz(), **{f"{stream}_{name}": count for name, count in counts.items()}}

    def problem_since_last(self, stream: str) -> str:
        """What was lost since the last call of this, and what to do; empty if nothing was."""
        lost, self._lost_since_report = self._lost_since_report, 0
        silent_ns, self._silent_ns = self._silent_ns, 0
        if silent_ns:
            return f"{stream} was silent for {silent_ns / NS_PER_S:.1f} s; see whether its driver stopped or restarted"
        lack = f"{lost} of {stream} missing by their stamps; use config/fastdds.xml, and unload this machine"
        return lack if lost else ""

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

    def summaries_since_last(self) -> dict[str, str]:
        """A sentence for each stream of which something was rejected since the last call of this."""
        with self._lock:
            fresh, self._reported = self._counts - self._reported, self._counts.copy()
            return {stream: f"{count} of {stream} refused: {self._reasons[stream]}" for stream, count in fresh.items()}
