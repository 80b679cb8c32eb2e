"""The messages of a bag in the order of time, in whatever order its files hold them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from tempfile import SpooledTemporaryFile

from autoglm_embodied.bag.message import BagMessage

DISORDER_NS = 1_000_000_000  # between topics of a file, which some recorders write in turns
PAUSE_NS = 2_000_000_000  # between two sessions: long enough for every stream to begin anew
MEMORY_BYTES = 256_000_000  # of messages that wait for their turn; the rest waits on the disk


def is_ordered(spans_ns: Iterable[tuple[int, int]]) -> bool:
    """Whether `in_order` suffices for parts of these begins and ends, as they follow each other in the files."""
    end_ns = 0
    for first_ns, last_ns in spans_ns:
        if first_ns < end_ns - DISORDER_NS:
            return False
        end_ns = max(end_ns, last_ns)
    return True


def in_order(messages: Iterable[BagMessage]) -> Iterator[BagMessage]:
    """By receive time, those of equal times as they stand; one that is out of place by more than a second stays so."""
    waiting: list[tuple[int, int, BagMessage]] = []
    number = count()
    for message in messages:
        heapq.heappush(waiting, (message.receive_ns, next(number), message))
        while message.receive_ns - waiting[0][0] > DISORDER_NS:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


class SortedSessions:
    """All messages by session and receive time, however far out of place they are.

    A session begins where the times of a topic go back: what was recorded restarted. Each is moved in time so that it
    follows the one before after a pause.

    Attributes:
        count: how many sessions there are, once the messages were read.
    """

    def __init__(self, messages: Iterable[BagMessage]) -> None:
        self.count = 1
        self._messages = messages
        self._index: list[tuple[int, int, int, int, BagMessage]] = []  # session, receive time, offset, size; no data
        self._newest_ns: dict[str, int] = {}  # of each topic of the newest session

    def __iter__(self) -> Iterator[BagMessage]:
        with SpooledTemporaryFile(MEMORY_BYTES) as waiting:
            for message in self._messages:
                session = self._session_of(message)
                place = waiting.tell(), len(message.data)
                self._index.append((session, message.receive_ns, *place, replace(message, data=b"")))
                waiting.write(message.data)
            current, shift_ns, newest_ns = 1, 0, 0
            for session, receive_ns, offset, size, message in sorted(self._index, key=lambda entry: entry[:2]):
                if session != current:
                    current, shift_ns = session, newest_ns + PAUSE_NS - receive_ns
                newest_ns = receive_ns + shift_ns
                waiting.seek(offset)
                yield replace(message, receive_ns=newest_ns, data=waiting.read(size))

    def _session_of(self, message: BagMessage) -> int:
        newest_ns = self._newest_ns.get(message.topic, message.receive_ns)
        if message.receive_ns < newest_ns - DISORDER_NS:
            self.count += 1
            self._newest_ns.clear()
            newest_ns = message.receive_ns
        self._newest_ns[message.topic] = max(newest_ns, message.receive_ns)
        return self.count
