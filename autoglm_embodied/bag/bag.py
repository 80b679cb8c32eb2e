"""A recording: one file, or the folder that `ros2 bag record` makes, of one or of several files."""

from __future__ import annotations

import re
import sqlite3
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import yaml
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile, McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.order import SortedSessions, in_order, is_ordered
from autoglm_embodied.bag.writer import EPOCH, METADATA_NAME
from autoglm_embodied.errors import BagError

LFS_POINTER = b"version https://git-lfs"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MOST_UNPACKED = 2**28  # bytes of a message whose size its compressor did not note
OTHERS = {  # how files begin that are often taken for bags, and what to do with them
    LFS_POINTER: "is a Git LFS pointer, not the recording itself; fetch it by git lfs pull",
    ZSTD_MAGIC: "is compressed as a whole file; unpack it by unzstd",
    b"\x1f\x8b": "is compressed as a whole file; unpack it by gunzip",
    b"PK\x03\x04": "is a zip archive; unpack it by unzip",
    b"#ROSBAG": "is a bag of ROS 1; convert it by rosbags-convert",
}
METADATA_FILE = "metadata.yaml"
TOPICS = "SELECT id, name, type, serialization_format FROM topics"
MESSAGES = "SELECT topic_id, timestamp, data FROM messages ORDER BY id"
TIMES = "SELECT timestamp, timestamp FROM messages WHERE typeof(timestamp) = 'integer' ORDER BY id"
MAGIC_BYTES = 8
LATEST_NS = 2**62  # what is not below it is no time, and would not fit where times are kept
RECORD, SPAN, LOG_TIME = struct.Struct("<BQ"), struct.Struct("<QQ"), struct.Struct("<6xQ")  # heads of MCAP records


class BagFile(ABC):
    """One file of a recording, read once.

    Attributes:
        metadata: what the recorder noted; empty where this package was not the recorder.
        damage: why the file could not be read to its end, empty if it could.
    """

    damaged: ClassVar[tuple[type[Exception], ...]]  # what its library raises where it is

    def __init__(self, path: Path) -> None:
        self.metadata: dict[str, str] = {}
        self.damage = ""
        self._path = path

    def messages(self) -> Iterator[BagMessage]:
        """All messages up to the end or the first damage; BagError if there is none before it, or none of ROS 2."""
        found = 0
        try:
            for message in self._read():
                found += 1
                yield _unpacked(message)
        except OSError as error:
            raise BagError(f"cannot read {self._path} ({error.strerror}); name a file that can be read") from error
        except self.damaged as error:
            self.damage = "it ends in the middle" if isinstance(error, EndOfFile) else str(error)
            if not found:
                raise BagError(
                    f"{self._path} holds no message that can be read ({self.damage}); name a recording of ROS 2 topics"
                ) from error

    def spans_ns(self) -> Iterator[tuple[int, int]]:
        """First and last log time of each part, as the parts stand in the file, up to the first damage."""
        with suppress(OSError, *self.damaged):
            yield from self._spans_ns()

    @abstractmethod
    def _spans_ns(self) -> Iterator[tuple[int, int]]:
        """The spans; whatever the file's library raises at damage is let through."""

    @abstractmethod
    def _read(self) -> Iterator[BagMessage]:
        """The messages; whatever the file's library raises at damage is let through."""


def _unpacked(message: BagMessage) -> BagMessage:
    """A message as it came over the wire; rosbag2 compresses each where it is told so, and need not note it."""
    if message.data[:4] != ZSTD_MAGIC:  # no representation of CDR begins so
        return message
    data = zstandard.ZstdDecompressor().decompress(message.data, max_output_size=MOST_UNPACKED)
    return replace(message, data=data)


class SqliteFile(BagFile):
    """An sqlite3 file of `ros2 bag record` (rosbag2_storage_sqlite3, schema versions 1 to 4)."""

    damaged = (sqlite3.Error, KeyError, TypeError, ValueError, OverflowError, zstandard.ZstdError, MemoryError)

    def _open(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True))

    def _spans_ns(self) -> Iterator[tuple[int, int]]:
        with self._open() as bag:
            yield from bag.execute(TIMES)

    def _read(self) -> Iterator[BagMessage]:
        with self._open() as bag:
            topics: dict[int, tuple[str, str]] = {}
            for number, name, type_name, encoding in bag.execute(TOPICS):
                if encoding != "cdr":
                    raise BagError(f"{self._path}: messages of {name} must be encoded as cdr, got {encoding!r}")
                topics[number] = (name, type_name)
            for topic, t_ns, data in bag.execute(MESSAGES):
                if not isinstance(t_ns, int) or not isinstance(data, bytes):
                    raise sqlite3.DatabaseError("a row of it holds no time or no message")
                yield BagMessage(*topics[topic], data, t_ns, t_ns)


class McapFile(BagFile):
    """An MCAP file, read from its beginning: it need not have an end."""

    damaged = (
        *(McapError, CRCValidationError, struct.error, zstandard.ZstdError, RuntimeError),
        *(ValueError, OverflowError, MemoryError),
    )

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._others: set[str] = set()  # what is said of topics that are not of ROS 2

    def _read(self) -> Iterator[BagMessage]:
        found = False
        with self._path.open("rb") as file:
            for record in self._records(file):
                message = self._message(record) if isinstance(record, Message) else None
                if message is not None:
                    found = True
                    yield message
        if self._others and not found:
            raise BagError(f"{self._path}: {', '.join(sorted(self._others))}; record ROS 2 topics, as cdr with a type")

    def _spans_ns(self) -> Iterator[tuple[int, int]]:
        """Those of the chunks, found without reading them; of the first chunk, which none is before, its messages."""
        first = True
        with self._path.open("rb") as file:
            file.seek(MAGIC_BYTES)
            while len(head := file.read(RECORD.size)) == RECORD.size:
                opcode, length = RECORD.unpack(head)
                end = file.tell() + length
                if opcode == Opcode.DATA_END:
                    return
                if opcode == Opcode.CHUNK and first:
                    parts, first = breakup_chunk(Chunk.read(ReadDataStream(file))), False
                    yield from ((part.log_time, part.log_time) for part in parts if isinstance(part, Message))
                elif opcode == Opcode.CHUNK:
                    yield SPAN.unpack(file.read(SPAN.size))
                elif opcode == Opcode.MESSAGE:
                    yield LOG_TIME.unpack(file.read(LOG_TIME.size)) * 2
                file.seek(end)

    def _records(self, file: IO[bytes]) -> Iterator[McapRecord]:
        whole = cast(IO[bytes], _WholeReads(file))
        for record in StreamReader(whole, emit_chunks=True, record_size_limit=self._path.stat().st_size).records:
            parts = breakup_chunk(record, validate_crc=True) if isinstance(record, Chunk) else [record]
            for part in parts:
                if isinstance(part, Schema):
                    self._schemas[part.id] = part
                elif isinstance(part, Channel):
                    self._channels[part.id] = part
                elif isinstance(part, Metadata) and part.name == METADATA_NAME:
                    self.metadata = dict(part.metadata)
                    _check_epoch(self.metadata.get(EPOCH, "0"))
            yield from parts

    def _message(self, record: Message) -> BagMessage | None:
        """What a record holds, if it is of ROS 2; what else there may be is left alone."""
        channel = self._channels.get(record.channel_id)
        if channel is None:
            raise McapError(f"a message is of channel {record.channel_id}, which is not there")
        schema, encoding = self._schemas.get(channel.schema_id), channel.message_encoding
        if encoding != "cdr" or schema is None:
            self._others.add(f"{channel.topic} is encoded as {encoding} with {'a' if schema else 'no'} type")
            return None
        receive_ns = record.log_time - int(self.metadata.get(EPOCH, 0))
        return BagMessage(channel.topic, schema.name, record.data, receive_ns, record.publish_time)


def _check_epoch(text: str) -> None:
    if not re.fullmatch(r"[-+]?\d{1,19}", text) or abs(int(text)) >= LATEST_NS:
        raise McapError(f"{EPOCH} of its metadata must be a time in nanoseconds, got {text!r}")


class _WholeReads:
    """A file that gives as many bytes as were asked for, or ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise EndOfFile
        return data


KINDS: dict[str, type[BagFile]] = {".mcap": McapFile, ".db3": SqliteFile}


class Bag:
    """Reads a recording once, message by message in the order in which they came.

    Attributes:
        metadata: what the recorder noted, as far as read; empty where this package was not the recorder.
        damages: for each file that could not be read to its end, why.
        notes: what else there is to say of what was read.
    """

    def __init__(self, path: Path) -> None:
        """Find the files; BagError if there is no recording at `path`, or one of a kind that cannot be read."""
        self.metadata: dict[str, str] = {}
        self.damages: list[str] = []
        self.notes: list[str] = []
        if not path.exists():
            raise BagError(f"there is no recording {path}; name a .mcap or .db3 file, or the folder of a ROS 2 bag")
        self._paths = _listed(path) if path.is_dir() else [path]
        for file in self._paths:
            if not file.is_file():
                raise BagError(f"{path} lacks its file {file.name}; copy the whole bag")
            _check_beginning(file)
            if file.suffix.lower() not in KINDS:
                raise BagError(f"{file} must be a .mcap or .db3 file, or the folder of such; convert it by ros2 bag")

    @property
    def epoch_ns(self) -> int:
        """Wall clock minus the clock of the receive times; 0 where those are of the wall clock."""
        return int(self.metadata.get(EPOCH, 0))

    def messages(self) -> Iterator[BagMessage]:
        """All messages by receive time, across the files; BagError if one cannot be read at all."""
        files = [KINDS[path.suffix.lower()](path) for path in self._paths]
        left_out = 0
        for message in self._ordered(files):
            if abs(message.receive_ns) < LATEST_NS:
                yield message
            else:
                left_out += 1
        if left_out:
            self.notes.append(f"{left_out} messages were received in no year before 2116, and left out")

    def _ordered(self, files: Sequence[BagFile]) -> Iterator[BagMessage]:
        messages = self._in_files(files)
        if is_ordered(span for file in files for span in file.spans_ns()):
            yield from in_order(messages)
            return
        yield from (sessions := SortedSessions(messages))
        if sessions.count > 1:
            self.notes.append(
                f"the times of receipt start again: {sessions.count} sessions, replayed one after the other"
            )

    def _in_files(self, files: Sequence[BagFile]) -> Iterator[BagMessage]:
        """All messages as they stand in the files, whose receive times are all told on the clock of the first."""
        for path, file in zip(self._paths, files, strict=True):
            for message in file.messages():
                self.metadata = file.metadata | self.metadata
                shift_ns = int(file.metadata.get(EPOCH, 0)) - self.epoch_ns
                yield replace(message, receive_ns=message.receive_ns + shift_ns) if shift_ns else message
            if file.damage:
                self.damages.append(f"{path.name} is damaged, all before that was read: {file.damage}")


def _check_beginning(path: Path) -> None:
    """BagError if a file is plainly something else than a bag."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(LFS_POINTER))
    except OSError as error:
        raise BagError(f"cannot read {path} ({error.strerror}); name a file that can be read") from error
    for magic, said in OTHERS.items():
        if begin.startswith(magic):
            raise BagError(f"{path} {said}")


def _listed(folder: Path) -> list[Path]:
    """The files of a bag; where its recorder was killed before it wrote the list, those that are there, by number."""
    metadata = folder / METADATA_FILE
    if metadata.is_file():  # older recorders gave the files' paths from elsewhere
        paths = [folder / name for name in _names(metadata)]
        return [path if path.is_file() else folder / path.name for path in paths]
    files = [file for file in folder.iterdir() if file.suffix.lower() in KINDS]
    if not files:
        for file in filter(Path.is_file, folder.iterdir()):
            _check_beginning(file)
        raise BagError(f"the folder {folder} holds no recording; name one with {METADATA_FILE}, a .mcap or a .db3 file")
    return sorted(files, key=lambda file: [int(number) for number in re.findall(r"\d+", file.stem)])


def _names(metadata: Path) -> list[str]:
    try:
        info: Any = yaml.safe_load(metadata.read_text())["rosbag2_bagfile_information"]
        names, mode = info["relative_file_paths"], str(info.get("compression_mode") or "none").lower()
        kind = str(info.get("compression_format"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise BagError(f"cannot read {metadata} ({error}); name one of the bag's .mcap or .db3 files") from error
    if mode == "file" or (mode == "message" and kind != "zstd"):
        raise BagError(f"{metadata.parent} is compressed by {mode} as {kind}; unpack it by ros2 bag convert")
    if not names:
        raise BagError(f"{metadata} lists no file; the bag is empty")
    return [str(name) for name in names]
