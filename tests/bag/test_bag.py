"""Bags of every kind are read to the byte, as far as they are whole, or refused in one sentence."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from bag_cases import (
    EPOCH_NS,
    WRENCH,
    WRENCH_TYPE,
    read,
    wrench,
    write_bag,
    write_metadata,
    write_ros2_mcap,
    write_sqlite,
)
from mcap.opcode import Opcode
from mcap.writer import Writer
from zstandard import ZstdCompressor

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.order import in_order
from autoglm_embodied.errors import BagError

MESSAGES = [wrench(k) for k in range(300)]
WRITERS: dict[str, Callable[..., Path]] = {
    "ours.mcap": write_bag,
    "ros2.mcap": write_ros2_mcap,
    "ros2.db3": write_sqlite,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_back_what_was_written_to_the_byte(name: str, tmp_path: Path) -> None:
    bag = Bag(WRITERS[name](tmp_path / name, MESSAGES))
    assert list(bag.messages()) == MESSAGES and not bag.damages


@pytest.mark.parametrize(("write", "suffix"), [(write_ros2_mcap, ".mcap"), (write_sqlite, ".db3")])
@pytest.mark.parametrize("listed", [True, False])
def test_the_files_of_a_folder_follow_each_other_listed_or_by_their_numbers(
    write: Callable[..., Path], suffix: str, listed: bool, tmp_path: Path
) -> None:
    names = [f"bag_{k}{suffix}" for k in range(12)]  # of which the tenth sorts before the second
    for k, name in enumerate(names):
        write(tmp_path / name, MESSAGES[25 * k : 25 * k + 25])
    if listed:
        write_metadata(tmp_path, names, "mcap")
    assert read(tmp_path) == MESSAGES


@pytest.mark.parametrize("name", ["ros2.mcap", "ros2.db3"])
@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("noted", [True, False])
def test_messages_that_rosbag2_compressed_one_by_one_are_read(
    name: str, sized: bool, noted: bool, tmp_path: Path
) -> None:
    pack = ZstdCompressor(write_content_size=sized).compress
    WRITERS[name](tmp_path / name, [replace(message, data=pack(message.data)) for message in MESSAGES])
    path = write_metadata(tmp_path, [name], "", compression="MESSAGE") if noted else tmp_path / name
    assert read(path) == MESSAGES


@pytest.mark.parametrize("name", ["ros2.mcap", "ros2.db3"])
def test_a_compressed_message_that_is_damaged_ends_the_bag_there(name: str, tmp_path: Path) -> None:
    packed = [replace(message, data=ZstdCompressor().compress(message.data)) for message in MESSAGES]
    packed[200] = replace(packed[200], data=packed[200].data[:-9])
    bag = Bag(WRITERS[name](tmp_path / name, packed))
    assert list(bag.messages()) == MESSAGES[:200] and f"{name} is damaged" in bag.damages[0]


@pytest.mark.parametrize("name", WRITERS)
def test_the_name_of_a_file_may_be_in_capitals(name: str, tmp_path: Path) -> None:
    path = WRITERS[name](tmp_path / name, MESSAGES)
    capital = path.rename(path.with_suffix(path.suffix.upper()))
    assert read(capital) == read(tmp_path) == MESSAGES


def test_receive_times_are_told_on_the_recorders_own_clock(tmp_path: Path) -> None:
    own = [BagMessage(m.topic, m.type_name, m.data, m.receive_ns - EPOCH_NS, m.publish_ns) for m in MESSAGES]
    bag = Bag(write_bag(tmp_path / "own.mcap", own, epoch_ns=EPOCH_NS))
    assert list(bag.messages()) == own and bag.epoch_ns == EPOCH_NS


def test_topics_written_in_turns_come_out_in_the_order_of_time(tmp_path: Path) -> None:
    turns = [wrench(k, topic=topic) for topic in ("/a", "/b") for k in range(300)]
    times = [message.receive_ns for message in read(write_ros2_mcap(tmp_path / "turns.mcap", turns))]
    assert times == sorted(times) and len(times) == 600


def test_messages_of_one_time_keep_their_order() -> None:
    same = [wrench(0, topic=f"/{name}") for name in "cab"]
    assert list(in_order(same)) == same


@pytest.mark.parametrize("cut", [1, 9, 40, 1000])
def test_a_file_that_ends_in_the_middle_is_read_up_to_its_last_whole_chunk(cut: int, tmp_path: Path) -> None:
    messages = [wrench(k) for k in range(3000)]
    path = write_bag(tmp_path / "cut.mcap", messages, whole=False)
    path.write_bytes(path.read_bytes()[:-cut])
    bag = Bag(path)
    found = list(bag.messages())
    assert found == messages[: len(found)] and len(found) >= 2100
    assert "cut.mcap is damaged" in bag.damages[0]


def test_a_file_damaged_in_the_middle_is_read_up_to_there(tmp_path: Path) -> None:
    messages = [wrench(k) for k in range(3000)]
    path = write_bag(tmp_path / "hit.mcap", messages)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    bag = Bag(path)
    found = list(bag.messages())
    assert found == messages[: len(found)] and 300 < len(found) < 3000 and bag.damages


@pytest.mark.parametrize(
    "change", ["timestamp = NULL", "timestamp = 'noon'", "data = NULL", "data = 7", "topic_id = 9"]
)
def test_a_damaged_row_of_a_database_is_named_and_all_before_it_read(change: str, tmp_path: Path) -> None:
    path = tmp_path / "hit.db3"
    loose = "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data)"
    with closing(sqlite3.connect(write_sqlite(path, MESSAGES))) as database:  # a file is damaged below its constraints
        database.executescript(
            f"ALTER TABLE messages RENAME TO strict; {loose}; INSERT INTO messages SELECT * FROM strict"
        )
        database.execute(f"UPDATE messages SET {change} WHERE id = 200")
        database.commit()
    bag = Bag(path)
    assert list(bag.messages()) == MESSAGES[:199] and "hit.db3 is damaged" in bag.damages[0]


@pytest.mark.parametrize(
    ("text", "hit"), [(b"CREATE TABLE topics", b"CREATE\xf0TABLE topics"), (b"/wrench", b"/\xf0rench")]
)
def test_text_of_a_database_that_is_none_is_damage(text: bytes, hit: bytes, tmp_path: Path) -> None:
    path = write_sqlite(tmp_path / "hit.db3", MESSAGES)
    assert text in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(text, hit))
    with pytest.raises(BagError, match="holds no message that can be read"):
        list(Bag(path).messages())


def unlisted(folder: Path) -> Path:
    return write_metadata(folder, ["absent_0.mcap"], "mcap")


def compressed(folder: Path) -> Path:
    return write_metadata(folder, ["bag_0.db3.zstd"], "sqlite3", compression="FILE")


def text(name: str, begin: bytes = b"no recording", within: bool = False) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(begin + b" at all, only text")
        return folder if within else folder / name

    return write


def cut_to_nothing(folder: Path) -> Path:
    path = write_bag(folder / "short.mcap", MESSAGES, whole=False)
    path.write_bytes(path.read_bytes()[:200])
    return path


def broken_list(folder: Path) -> Path:
    (folder / "metadata.yaml").write_text("rosbag2_bagfile_information: 3")
    return folder


def unknown_channel(folder: Path) -> Path:
    with (folder / "channel.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.add_message(7, 0, b"", 0)
        writer.finish()
    return folder / "channel.mcap"


def endless_record(folder: Path) -> Path:
    """Of the first chunk, which is read before all else; its length fits in no memory."""
    path = write_ros2_mcap(folder / "endless.mcap", MESSAGES)
    length = struct.Struct("<BQ")
    whole, schema = path.read_bytes(), length.pack(Opcode.SCHEMA, 14 + len(WRENCH_TYPE) + len("ros2msg"))
    place = whole.index(schema)
    path.write_bytes(whole[:place] + length.pack(Opcode.SCHEMA, 2**63) + whole[place + length.size :])
    return path


def timeless(folder: Path) -> Path:
    with (folder / "epoch.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.add_metadata("autoglm", {"epoch_ns": "soon"})
        writer.finish()
    return folder / "epoch.mcap"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (endless_record, "holds no message that can be read"),
        (timeless, "epoch_ns of its metadata must be a time in nanoseconds, got 'soon'"),
        (lambda folder: folder / "absent.mcap", "there is no recording"),
        (lambda folder: folder, "holds no recording"),
        (text("bag.bag"), "must be a .mcap or .db3 file"),
        (text("bag.mcap"), "holds no message that can be read"),
        (text("bag.db3"), "file is not a database"),
        (unlisted, "lacks its file absent_0.mcap"),
        (compressed, "compressed by file as zstd; unpack it"),
        (
            text("bag.mcap", b"version https://git-lfs.github.com/spec/v1\noid"),
            "is a Git LFS pointer, not the recording",
        ),
        (text("bag.mcap", b"version https://git-lfs.github.com/spec/v1\noid", True), "fetch it by git lfs pull"),
        (text("bag.mcap.zstd", b"\x28\xb5\x2f\xfd"), "is compressed as a whole file; unpack it by unzstd"),
        (text("bag.mcap.zstd", b"\x28\xb5\x2f\xfd", True), "unpack it by unzstd"),
        (text("bag.db3.gz", b"\x1f\x8b"), "unpack it by gunzip"),
        (text("bag.mcap", b"PK\x03\x04"), "unpack it by unzip"),
        (text("ros1.bag", b"#ROSBAG V2.0"), "is a bag of ROS 1; convert it by rosbags-convert"),
        (broken_list, "cannot read"),
        (cut_to_nothing, "it ends in the middle"),
        (unknown_channel, "channel 7, which is not there"),
        (lambda folder: write_ros2_mcap(folder / "json.mcap", MESSAGES, {WRENCH: "json"}), "is encoded as json"),
        (lambda folder: write_sqlite(folder / "json.db3", MESSAGES, "json"), "must be encoded as cdr"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(
    make: Callable[[Path], Path], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BagError) as refused:
        read(make(tmp_path))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_topic_of_another_encoding_does_not_spoil_the_others(tmp_path: Path) -> None:
    encodings = {"/other": "json", "/wrench": "cdr"}
    path = write_ros2_mcap(
        tmp_path / "mixed.mcap", [wrench(k, topic=topic) for k, topic in enumerate(encodings)], encodings
    )
    assert read(path) == [wrench(1, topic="/wrench")]


@pytest.mark.parametrize("name", WRITERS)
def test_times_of_receipt_that_are_no_times_are_left_out_and_said(name: str, tmp_path: Path) -> None:
    bag = Bag(WRITERS[name](tmp_path / name, [*MESSAGES, replace(MESSAGES[0], receive_ns=2**62)]))
    assert list(bag.messages()) == MESSAGES and bag.notes == [
        "1 messages were received in no year before 2116, and left out"
    ]
