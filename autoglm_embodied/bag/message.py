"""One recorded message as it came over the wire, and how many there are of each topic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

NS_PER_S = 1e9


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


class MessageCounts:
    """Counts the messages of each topic, and their rate since the last report.

    Args:
        begun_ns: when the recording began, on the clock of the receive times.

    Attributes:
        by_topic: how many messages of each.
    """

    def __init__(self, begun_ns: int) -> None:
        self.by_topic: Counter[str] = Counter()
        self._begun_ns = self._reported_ns = begun_ns
        self._reported: Counter[str] = Counter()

    def add(self, message: BagMessage) -> None:
        """Count a message."""
        self.by_topic[message.topic] += 1

    def rates(self, now_ns: int, written: int) -> str:
        """One line: how long, how much, and the present rate of each topic.

        Args:
            now_ns: on the clock of the receive times.
            written: bytes of the file.
        """
        elapsed_s = max(now_ns - self._reported_ns, 1) / NS_PER_S
        hz = {topic: (count - self._reported[topic]) / elapsed_s for topic, count in sorted(self.by_topic.items())}
        self._reported_ns, self._reported = now_ns, self.by_topic.copy()
        rates = ", ".join(f"{topic} {rate:.0f} Hz" for topic, rate in hz.items())
        return f"{(now_ns - self._begun_ns) / NS_PER_S:.0f} s, {written / 1e6:.1f} MB: {rates or 'nothing comes yet'}"

    def total(self, now_ns: int, written: int, dropped: int) -> str:
        """One sentence: how long, how much, and how many of each topic.

        Args:
            now_ns: on the clock of the receive times.
            written: bytes of the file.
            dropped: messages that were left out.
        """
        counts = ", ".join(f"{count} of {topic}" for topic, count in sorted(self.by_topic.items()))
        lost = f"; {dropped} dropped, for the disk was too slow" if dropped else ""
        seconds = (now_ns - self._begun_ns) / NS_PER_S
        return f"{seconds:.1f} s, {written / 1e6:.1f} MB: {counts or 'no message came'}{lost}"
