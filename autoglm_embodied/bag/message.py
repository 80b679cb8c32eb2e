"""One recorded message as it came over the wire, and the count of what was recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class BagMessage:
    """The bytes of a message and when it came.

    Attributes:
        topic: its full name.
        type_name: such as sensor_msgs/msg/Image.
        data: plain CDR, the 4 bytes of the byte order included.
        receive_ns: on the recorder's monotonic clock; in a bag that this package did not write, on its wall clock.
        publish_ns: the header stamp, or what comes nearest to it.
    """

    topic: str
    type_name: str
    data: bytes
    receive_ns: int
    publish_ns: int


NS_PER_S = 1e9


class Tally:
    """Counts the messages of each topic and their rate since it was last told."""

    def __init__(self, begun_ns: int) -> None:
        self.counts: Counter[str] = Counter()
        self._begun_ns = self._told_ns = begun_ns
        self._told: Counter[str] = Counter()

    def note(self, message: BagMessage) -> None:
        """Count a message."""
        self.counts[message.topic] += 1

    def rates(self, now_ns: int, written: int) -> str:
        """One line: how long, how much, and what comes how fast just now."""
        elapsed_s = max(now_ns - self._told_ns, 1) / NS_PER_S
        hz = {topic: (count - self._told[topic]) / elapsed_s for topic, count in sorted(self.counts.items())}
        self._told_ns, self._told = now_ns, self.counts.copy()
        rates = ", ".join(f"{topic} {rate:.0f} Hz" for topic, rate in hz.items())
        return f"{(now_ns - self._begun_ns) / NS_PER_S:.0f} s, {written / 1e6:.1f} MB: {rates or 'nothing comes yet'}"

    def total(self, now_ns: int, written: int, dropped: int) -> str:
        """One sentence: what there is in all."""
        counts = ", ".join(f"{count} of {topic}" for topic, count in sorted(self.counts.items()))
        lost = f"; {dropped} dropped, for the disk was too slow" if dropped else ""
        seconds = (now_ns - self._begun_ns) / NS_PER_S
        return f"{seconds:.1f} s, {written / 1e6:.1f} MB: {counts or 'no message came'}{lost}"
