"""Messages to an MCAP file (https://mcap.dev/spec) that can be replayed wherever its writing was broken off."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

from mcap.writer import CompressionType, Writer

from autoglm_embodied import __version__
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import BagError


class Disk:
    """Writes without a buffer of its own; when it is closed all is on the disk.

    Before that the system writes when it sees fit: asked more often, a slow disk would hold up the recording.
    """

    def __init__(self, path: Path) -> None:
        """Make the file and its folder.

        Raises:
            BagError: it is there already, or cannot be made.
        """
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
        """Append `data`.

        Raises:
            BagError: the disk is full, or fails.
        """
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

    def close(self) -> None:
        """Put all on the disk and close; twice is no harm."""
        if not self._open:
            return
        self._open = False
        try:
            os.fsync(self._file)
        except OSError:
            pass  # what the system took it keeps trying to write; there is nothing left to be done about it here
        finally:
            os.close(self._file)


CHUNK_BYTES = 1_000_000
CHUNK_NS = 300_000_000  # how long a message may wait in memory
EPOCH = "epoch_ns"
FACTS = "autoglm"


class BagWriter:
    """Writes whole chunks, each at most `CHUNK_NS` after its first message was written: the most that a kill can cost.

    Args:
        path: the file to make.
        epoch_ns: wall clock minus the clock of the receive times, which the file's log times are told in.
        facts: what else there is to know, such as the topic of each stream.
        define: a type's name to its definition, for other tools; empty where it is not known.

    Raises:
        BagError: the file cannot be made, or later not be written.
    """

    def __init__(self, path: Path, epoch_ns: int, facts: Mapping[str, str], define: Callable[[str], str]) -> None:
        self._epoch_ns = epoch_ns
        self._define = define
        self._disk = Disk(path)
        # LZ4 takes a third of the processor time of zstd or less, which counts beside a robot's other work.
        self._writer = Writer(cast(IO[Any], self._disk), chunk_size=CHUNK_BYTES, compression=CompressionType.LZ4)
        self._writer.start(profile="ros2", library=f"autoglm_embodied {__version__}")
        self._writer.add_metadata(FACTS, {"version": __version__, EPOCH: str(epoch_ns)} | dict(facts))
        self._channels: dict[str, int] = {}
        self._chunk_holds = False  # whether there is something in it
        self._chunk_begun_ns: int | None = None

    @property
    def written(self) -> int:
        """Bytes so far."""
        return self._disk.written

    def write(self, message: BagMessage) -> None:
        """Append a message."""
        self._chunk_holds = True
        channel = self._channels.get(message.topic) or self._add(message.topic, message.type_name)
        log_ns = message.receive_ns + self._epoch_ns
        self._writer.add_message(channel, log_ns, message.data, message.publish_ns)

    def keep(self, now_ns: int) -> None:
        """Hand what waits in memory to the system, if it is time; `now_ns` on the clock of the receive times."""
        if not self._chunk_holds:
            return
        if self._chunk_begun_ns is None:  # not by its time: who is behind must not do more work
            self._chunk_begun_ns = now_ns
        elif now_ns - self._chunk_begun_ns >= CHUNK_NS:
            self._writer._Writer__finalize_chunk()  # type: ignore[attr-defined] # the library ends a chunk by size alone
            self._chunk_holds, self._chunk_begun_ns = False, None

    def close(self) -> None:
        """Write the index and close the file."""
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
        finally:
            self._disk.close()

    def abandon(self) -> None:
        """Close the file as it is, after an error."""
        self._disk.close()

    def _add(self, topic: str, type_name: str) -> int:
        definition = self._define(type_name)
        schema = self._writer.register_schema(type_name, "ros2msg" if definition else "", definition.encode())
        self._channels[topic] = self._writer.register_channel(topic, "cdr", schema)
        return self._channels[topic]
