"""Messages on their wire form without ROS, and bags as `ros2 bag record` writes them."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import yaml
from mcap.writer import CompressionType, Writer

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.writer import BagWriter

MS = 1_000_000
EPOCH_NS = 1_700_000_000_000 * MS
WRENCH, WRENCH_TYPE = "/force_torque_sensor_broadcaster/wrench", "geometry_msgs/msg/WrenchStamped"
FRAME = b"panda_hand\0"


def wrench(k: int, period_ns: int = MS, topic: str = WRENCH) -> BagMessage:
    """The k-th of a stream, on a wall clock; its force is k."""
    t_ns = EPOCH_NS + k * period_ns
    head = struct.pack("<iII", *divmod(t_ns, 10**9), len(FRAME)) + FRAME
    data = b"\0\1\0\0" + head + bytes(-len(head) % 8) + struct.pack("<6d", k, 0, 0, 0, 0, 0)
    return BagMessage(topic, WRENCH_TYPE, data, t_ns, t_ns)


def write_bag(path: Path, messages: Sequence[BagMessage], epoch_ns: int = 0, whole: bool = True) -> Path:
    """As `autoglm record` does; without its end if not `whole`."""
    writer = BagWriter(path, epoch_ns, {}, lambda _: "")
    for message in messages:
        writer.write(message)
        writer.flush_if_due(message.receive_ns)
    writer.close() if whole else writer.abandon()
    return path


def write_sqlite(path: Path, messages: Sequence[BagMessage], encoding: str = "cdr") -> Path:
    """A file of schema version 4, that of Iron and later."""
    with closing(sqlite3.connect(path)) as bag:
        bag.executescript(
            "CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);"
            "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);"
            "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,"
            " serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL,"
            " type_description_hash TEXT NOT NULL);"
            "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL,"
            " encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);"
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,"
            " timestamp INTEGER NOT NULL, data BLOB NOT NULL);"
            "CREATE INDEX timestamp_idx ON messages (timestamp ASC);"
            "INSERT INTO schema VALUES (4, 'kilted');"
        )
        numbers = {name: number for number, name in enumerate({message.topic for message in messages}, start=1)}
        types = {message.topic: message.type_name for message in messages}
        rows = [(number, name, types[name], encoding, "", "") for name, number in numbers.items()]
        bag.executemany("INSERT INTO topics VALUES (?, ?, ?, ?, ?, ?)", rows)
        values = [(numbers[message.topic], message.receive_ns, message.data) for message in messages]
        bag.executemany("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)", values)
        bag.commit()
    return path


def write_ros2_mcap(
    path: Path, messages: Sequence[BagMessage], encodings: Mapping[str, str] | None = None, chunk_size: int = 786_432
) -> Path:
    """As rosbag2_storage_mcap does by default: chunks without compression, its own metadata, a summary."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=chunk_size, compression=CompressionType.NONE)
        writer.start(profile="ros2", library="libmcap 1.1.0")
        channels = {}
        for topic, type_name in {message.topic: message.type_name for message in messages}.items():
            schema = writer.register_schema(type_name, "ros2msg", b"")
            channels[topic] = writer.register_channel(topic, (encodings or {}).get(topic, "cdr"), schema)
        for message in messages:
            writer.add_message(channels[message.topic], message.receive_ns, message.data, message.publish_ns)
        writer.add_metadata("rosbag2", {"serialized_metadata": "{}"})
        writer.finish()
    return path


def write_metadata(folder: Path, names: Sequence[str], storage: str, compression: str = "") -> Path:
    """The list of a bag's files."""
    facts = {
        "version": 9,
        "storage_identifier": storage,
        "relative_file_paths": list(names),
        "compression_format": "zstd" if compression else "",
        "compression_mode": compression,
    }
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": facts}))
    return folder


def read(path: Path) -> list[BagMessage]:
    """All messages of a bag."""
    return list(Bag(path).messages())
