"""The wait before what failed is tried again: doubled with each failure, up to a limit. Times are an argument."""

from __future__ import annotations

NS_PER_S = 1e9


class GrowingWait:
    """Failures in a row, and the wait that they cost.

    Args:
        least_s: wait after the first failure.
        most_s: longest wait; what worked for as long begins anew with its failures.
    """

    def __init__(self, least_s: float, most_s: float) -> None:
        self._least_s, self._most_s = least_s, most_s
        self._failures = 0
        self._until_ns = 0

    def failed(self, now_ns: int) -> None:
        """Wait from now on, twice as long as the last time."""
        wait_s = min(self._least_s * 2.0**self._failures, self._most_s)
        self._failures += 1
        self._until_ns = now_ns + round(wait_s * NS_PER_S)

    def works(self, since_ns: int, now_ns: int) -> None:
        """Forget the failures of what has worked for the longest wait."""
        if (now_ns - since_ns) / NS_PER_S > self._most_s:
            self._failures = 0

    def over(self, now_ns: int) -> bool:
        """Whether it may be tried again."""
        return now_ns >= self._until_ns

    def reset(self) -> None:
        """Forget the failures, and wait no more."""
        self._failures = self._until_ns = 0
