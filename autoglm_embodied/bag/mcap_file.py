"""Messages of an MCAP file, read from its beginning: it need not have an end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import zstandard
from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, Chunk, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.writer import EPOCH, METADATA_NAME
from autoglm_embodied.errors import BagError

DAMAGE = (McapError, CRCValidationError, struct.error, zstandard.ZstdError, RuntimeError, ValueError, MemoryError)


class McapFile:
    """Reads one file once.

    Attributes:
        metadata: what the recorder noted; empty where this package was not the recorder.
        damage: why the file could not be read to its end, empty if it could.
    """

    def __init__(self, path: Path) -> None:
        self.metadata: dict[str, str] = {}
        self.damage = ""
        self._path = path
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._others: set[str] = set()  # what is said of topics that are not of ROS 2

    def messages(self) -> Iterator[BagMessage]:
        """All messages up to the end or the first damage.

        Raises:
            BagError: there is no message before the damage, or none of ROS 2.
        """
        count = 0
        try:
            with self._path.open("rb") as file:
                for record in self._records(file):
                    if isinstance(record, Message):
                        message = self._message(record)
                        if message is not None:
                            count += 1
                            yield message
        except OSError as error:
            raise BagError(f"cannot read {self._path} ({error.strerror}); name a file that can be read") from error
        except DAMAGE as error:
            self.damage = "it ends in the middle" if isinstance(error, EndOfFile) else str(error)
            if not count:
                raise BagError(
                    f"{self._path} holds no message that can be read ({self.damage}); name a recording of ROS 2 topics"
                ) from error
        if not count and self._others:
            raise BagError(f"{self._path}: {', '.join(sorted(self._others))}; record ROS 2 topics, as cdr with a type")

    def _records(self, file: IO[bytes]) -> Iterator[McapRecord]:
        reader = StreamReader(
            cast(IO[bytes], ExactReader(file)), emit_chunks=True, record_size_limit=self._path.stat().st_size
        )
        for record in reader.records:
            parts = breakup_chunk(record, validate_crc=True) if isinstance(record, Chunk) else [record]
            for part in parts:
                self._note(part)
            yield from parts

    def _note(self, record: McapRecord) -> None:
        if isinstance(record, Schema):
            self._schemas[record.id] = record
        elif isinstance(record, Channel):
            self._channels[record.id] = record
        elif isinstance(record, Metadata) and record.name == METADATA_NAME:
            self.metadata = dict(record.metadata)

    def _message(self, record: Message) -> BagMessage | None:
        """What a record holds, if it is of ROS 2; what else there may be is left alone."""
        channel = self._channels.get(record.channel_id)
        if channel is None:
            raise McapError(f"a message is of channel {record.channel_id}, which is not there")
        schema = self._schemas.get(channel.schema_id)
        if channel.message_encoding != "cdr" or schema is None:
            self._others.add(
                f"{channel.topic} is encoded as {channel.message_encoding} with {'a' if schema else 'no'} type"
            )
            return None
        receive_ns = record.log_time - int(self.metadata.get(EPOCH, 0))
        return BagMessage(channel.topic, schema.name, record.data, receive_ns, record.publish_time)


class ExactReader:
    """A file that gives as many bytes as were asked for, or ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, length: int) -> bytes:
        """Exactly `length` bytes."""
        data = self._file.read(length)
        if len(data) != length:
            raise EndOfFile
        return data
