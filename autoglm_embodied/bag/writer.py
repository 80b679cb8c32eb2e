"""Messages to an MCAP file (https://mcap.dev/spec) that can be replayed wherever its writing was broken off."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Any, cast

from mcap.writer import CompressionType, Writer

from autoglm_embodied import __version__
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import BagError

CHUNK_BYTES = 1_000_000
CHUNK_NS = 300_000_000  # how long a message may wait in memory
EPOCH = "epoch_ns"
METADATA_NAME = "autoglm"
MAX_WAITING_BYTES = 256_000_000  # some five seconds of a colour and depth camera
FLUSH_CHECK_S = 0.1  # for messages that have waited long enough in the writer


class UnbufferedFile:
    """Appends without a buffer of its own; when it is closed all is on the disk.

    Before that the system writes when it sees fit: asked more often, a slow disk would hold up the recording. It is no
    `io.RawIOBase`, for the library would put a buffer before one.
    """

    def __init__(self, path: Path) -> None:
        """Make the file and its folder; BagError if it is there already, or cannot be made."""
        self.written = 0
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if path.exists():
                raise BagError(f"{path} is there already; name another file, a recording replaces none") from error
            raise BagError(f"cannot record to {path} ({error.strerror}); name a file that can be written") from error
        self._open = True

    def write(self, data: bytes) -> int:
        """Append `data`; BagError if the disk is full, or fails."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise BagError(
                f"recording stopped after {self.written / 1e6:.1f} MB: cannot write {self._path} ({error.strerror}); "
                "what was written until then can be replayed, free space before recording again"
            ) from error
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        """Where the next byte goes."""
        return self.written

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Put all on the disk and close; twice is no harm."""
        if self._open:
            self._open = False
            with suppress(OSError):  # what the system took it keeps trying to write; there is no more to be done here
                os.fsync(self._file)
            os.close(self._file)


class BagWriter:
    """Writes whole chunks, each at most `CHUNK_NS` after its first message was written: the most that a kill can cost.

    Args:
        path: the file to make; BagError if it cannot be, or later not be written.
        epoch_ns: wall clock minus the clock of the receive times, which the file's log times are told in.
        metadata: what else there is to know, such as the topic of each stream.
        define: a type's name to its definition, for other tools; empty where it is not known.
    """

    def __init__(self, path: Path, epoch_ns: int, metadata: Mapping[str, str], define: Callable[[str], str]) -> None:
        self._epoch_ns = epoch_ns
        self._define = define
        self._output = UnbufferedFile(path)
        # LZ4 takes a third of the processor time of zstd or less, which counts beside a robot's other work.
        self._writer = Writer(cast(IO[Any], self._output), chunk_size=CHUNK_BYTES, compression=CompressionType.LZ4)
        self._writer.start(profile="ros2", library=f"autoglm_embodied {__version__}")
        self._writer.add_metadata(METADATA_NAME, {"version": __version__, EPOCH: str(epoch_ns)} | dict(metadata))
        self._channels: dict[str, int] = {}
        self._chunk_holds = False  # whether there is something in it
        self._chunk_begun_ns: int | None = None

    @property
    def written(self) -> int:
        """Bytes so far."""
        return self._output.written

    def write(self, message: BagMessage) -> None:
        """Append a message."""
        self._chunk_holds = True
        channel = self._channels.get(message.topic) or self._add(message.topic, message.type_name)
        log_ns = message.receive_ns + self._epoch_ns
        self._writer.add_message(channel, log_ns, message.data, message.publish_ns)

    def flush_if_due(self, now_ns: int) -> None:
        """Write the chunk in progress, if it is time; `now_ns` on the clock of the receive times."""
        if not self._chunk_holds:
            return
        if self._chunk_begun_ns is None:  # not by its time: who is behind must not do more work
            self._chunk_begun_ns = now_ns
        elif now_ns - self._chunk_begun_ns >= CHUNK_NS:
            self._writer.flush()  # type: ignore[no-untyped-call] # the library ends a chunk by size alone
            self._chunk_holds, self._chunk_begun_ns = False, None

    def close(self) -> None:
        """Write the index and close the file."""
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
        finally:
            self._output.close()

    def abandon(self) -> None:
        """Close the file as it is, after an error."""
        self._output.close()

    def _add(self, topic: str, type_name: str) -> int:
        definition = self._define(type_name)
        schema = self._writer.register_schema(type_name, "ros2msg" if definition else "", definition.encode())
        self._channels[topic] = self._writer.register_channel(topic, "cdr", schema)
        return self._channels[topic]


class BackgroundBagWriter:
    """Writes messages on a thread of its own: who receives them never waits for the disk.

    Args:
        writer: whose file it ends.
        clock: the time on the clock of the receive times [ns].
    """

    def __init__(self, writer: BagWriter, clock: Callable[[], int]) -> None:
        self.dropped = 0  # messages left out because the disk was too slow for too long
        self.failure: BagError | None = None  # why nothing is written any more
        self._writer = writer
        self._clock = clock
        self._waiting: deque[BagMessage] = deque()
        self._waiting_bytes = 0
        self._ended = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="bag writer")
        self._thread.start()

    @property
    def written(self) -> int:
        """Bytes of the file so far."""
        return self._writer.written

    def put(self, message: BagMessage) -> None:
        """Queue a message; returns at once, whatever the disk does."""
        with self._changed:
            if self.failure is not None or self._waiting_bytes > MAX_WAITING_BYTES:
                self.dropped += 1
                return
            self._waiting.append(message)
            self._waiting_bytes += len(message.data)
            self._changed.notify()

    def close(self) -> None:
        """Write all that is queued, and end the file; what then fails is in `failure`."""
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
        """Write what is queued; False once that was the last."""
        with self._changed:
            if not self._waiting and not self._ended:
                self._changed.wait(FLUSH_CHECK_S)
            messages, self._waiting = self._waiting, deque()
            ended = self._ended
        for message in messages:
            self._writer.write(message)
            self._writer.flush_if_due(self._clock())
            with self._changed:
                self._waiting_bytes -= len(message.data)
        self._writer.flush_if_due(self._clock())
        return not ended
