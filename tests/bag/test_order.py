"""Whatever order a bag holds its messages in, they are read in the order of time; a restart is a session of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bag_cases import MS, read, wrench, write_bag, write_ros2_mcap, write_sqlite
from hypothesis import given
from hypothesis import strategies as st
from mcap.writer import Writer

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.order import PAUSE_NS, SortedSessions, in_order, is_ordered

S = 1_000 * MS
TOPICS = ("/a", "/b", "/c")
MESSAGES = [wrench(k, 20 * MS, topic) for k in range(250) for topic in TOPICS]  # 5 s


def padded(message: BagMessage) -> BagMessage:
    """So large that the file has many chunks."""
    return replace(message, data=message.data + bytes(10_000))


def write_unchunked(path: Path, messages: list[BagMessage]) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, use_chunking=False)
        writer.start(profile="ros2", library="")
        schema = writer.register_schema(messages[0].type_name, "ros2msg", b"")
        channels = {topic: writer.register_channel(topic, "cdr", schema) for topic in TOPICS}
        for message in messages:
            writer.add_message(channels[message.topic], message.receive_ns, message.data, message.publish_ns)
        writer.finish()
    return path


def by_topic(messages: list[BagMessage]) -> list[BagMessage]:
    return sorted(messages, key=lambda message: message.topic)


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_bag, "a.mcap"), (write_ros2_mcap, "a.mcap"), (write_unchunked, "a.mcap"), (write_sqlite, "a.db3")],
    ids=["ours", "rosbag2", "without chunks", "sqlite3"],
)
@pytest.mark.parametrize("pad", [False, True])
def test_topics_written_one_after_the_other_come_out_by_time(
    write: Callable[..., Path], name: str, pad: bool, tmp_path: Path
) -> None:
    messages = [padded(message) for message in MESSAGES] if pad else MESSAGES
    found = read(write(tmp_path / name, by_topic(messages)))
    assert sorted(found, key=lambda message: (message.receive_ns, message.topic)) == found == messages


def test_files_that_run_beside_each_other_are_merged(tmp_path: Path) -> None:
    write_ros2_mcap(tmp_path / "arm_0.mcap", [m for m in MESSAGES if m.topic != "/c"])
    write_sqlite(tmp_path / "camera_1.db3", [m for m in MESSAGES if m.topic == "/c"])
    assert read(tmp_path) == MESSAGES


@pytest.mark.parametrize("pad", [False, True])
@pytest.mark.parametrize("write", [write_ros2_mcap, write_sqlite])
def test_times_that_start_again_are_a_session_that_follows_the_first(
    write: Callable[..., Path], pad: bool, tmp_path: Path
) -> None:
    messages = [padded(message) for message in MESSAGES] if pad else MESSAGES
    bag = Bag(write(tmp_path / ("a.mcap" if write is write_ros2_mcap else "a.db3"), messages + messages))
    found = list(bag.messages())
    assert [replace(m, receive_ns=m.publish_ns) for m in found[len(messages) :]] == messages or write is write_sqlite
    assert found[: len(messages)] == messages and bag.notes[0].startswith(
        "the times of receipt start again: 2 sessions"
    )
    pause_ns = found[len(messages)].receive_ns - messages[-1].receive_ns
    assert pause_ns == PAUSE_NS and [m.data for m in found[len(messages) :]] == [m.data for m in messages]


@given(st.permutations(range(6)), st.integers(1, 6))
def test_parts_of_any_order_are_sorted_and_lose_nothing(order: list[int], width: int) -> None:
    """Each part is a topic of its own, and begins before or after the others."""
    parts = [[wrench(k * width + part, 300 * MS, f"/{part}") for k in range(5)] for part in order]
    messages = [message for part in parts for message in part]
    by_time = sorted(messages, key=lambda message: message.receive_ns)
    found = list(SortedSessions(messages))
    assert [m.receive_ns for m in found] == [m.receive_ns for m in by_time]
    assert sorted(found, key=id_of) == sorted(messages, key=id_of)
    if is_ordered((part[0].receive_ns, part[-1].receive_ns) for part in parts):
        assert [m.receive_ns for m in in_order(messages)] == [m.receive_ns for m in by_time]


def id_of(message: BagMessage) -> tuple[str, int]:
    return message.topic, message.receive_ns
