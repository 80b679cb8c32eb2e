"""Between those who receive messages and the disk: nobody who receives ever waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.writer import BagWriter
from autoglm_embodied.errors import BagError

MOST_BYTES = 256_000_000  # that may wait: some five seconds of a colour and depth camera
LOOK_S = 0.1  # for messages that have waited long enough in the writer


class Spool:
    """Writes messages on a thread of its own.

    Attributes:
        dropped: messages left out because the disk was too slow for too long.
        failure: why nothing is written any more.
    """

    def __init__(self, writer: BagWriter, clock: Callable[[], int]) -> None:
        """Start the thread; `clock` tells the time of the receive times."""
        self.dropped = 0
        self.failure: BagError | None = None
        self._writer = writer
        self._clock = clock
        self._waiting: deque[BagMessage] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="spool")
        self._thread.start()

    @property
    def written(self) -> int:
        """Bytes of the file so far."""
        return self._writer.written

    def put(self, message: BagMessage) -> None:
        """Leave a message to be written; at once, whatever the disk does."""
        with self._changed:
            if self.failure is not None or self._bytes > MOST_BYTES:
                self.dropped += 1
                return
            self._waiting.append(message)
            self._bytes += len(message.data)
            self._changed.notify()

    def close(self) -> None:
        """Write all that waits, and end the file; what then fails is in `failure`."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._step():
                pass
            self._writer.close()
        except BagError as error:
            self.failure = error
            self._writer.abandon()

    def _step(self) -> bool:
        """Write what waits; False once that was the last."""
        with self._changed:
            if not self._waiting and not self._ended:
                self._changed.wait(LOOK_S)
            messages, self._waiting = self._waiting, deque()
            ended = self._ended
        for message in messages:
            self._writer.write(message)
            self._writer.keep(self._clock())
            with self._changed:
                self._bytes -= len(message.data)
        self._writer.keep(self._clock())
        return not ended
