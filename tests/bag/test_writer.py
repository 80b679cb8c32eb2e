"""What is written is soon with the system, and a full disk is said in one sentence and costs nothing before it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bag_cases import EPOCH_NS, MS, read, wrench, write_bag
from mcap.reader import make_reader

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import SEPARATOR, message_definition
from autoglm_embodied.bag.writer import BagWriter
from autoglm_embodied.errors import BagError

LIMIT_BYTES = 300_000
FILLS_ITS_DISK = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from bag_cases import wrench, write_bag
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT_BYTES}, {LIMIT_BYTES}))
from autoglm_embodied.errors import BagError
try:
    write_bag(Path(sys.argv[1]), [wrench(k) for k in range(10_000)])
except BagError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("period_ms", [1, 50, 250])
def test_a_file_that_was_never_ended_lacks_less_than_a_second(period_ms: int, tmp_path: Path) -> None:
    path, messages = tmp_path / "killed.mcap", [wrench(k, period_ms * MS) for k in range(5000 // period_ms)]
    writer = BagWriter(path, 0, {}, lambda _: "")
    for k, message in enumerate(messages):
        writer.write(message)
        writer.flush_if_due(message.receive_ns)
        if k * period_ms >= 500 and (k % 100 == 99 or k == len(messages) - 1):
            found = read(path)  # what a kill would leave
            assert found == messages[: len(found)]
            assert message.receive_ns - found[-1].receive_ns < 1_000 * MS
    writer.close()
    assert read(path) == messages


def test_a_full_disk_is_one_sentence_and_all_before_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "full.mcap"
    done = subprocess.run([sys.executable, "-c", FILLS_ITS_DISK, str(path)], capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert "recording stopped after 0.3 MB" in done.stderr and "(File too large)" in done.stderr
    found = read(path)
    assert len(found) > 1000 and found == [wrench(k) for k in range(len(found))]


def test_a_recording_replaces_no_file_and_asks_for_a_folder_that_can_be_made(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "first.mcap", [wrench(0)])
    with pytest.raises(BagError, match="is there already"):
        write_bag(path, [wrench(1)])
    assert read(path) == [wrench(0)]
    with pytest.raises(BagError, match="cannot record to"):
        write_bag(path / "below.mcap", [wrench(1)])


def test_a_whole_file_has_an_index_facts_and_definitions_for_other_tools(tmp_path: Path) -> None:
    path, own = tmp_path / "whole.mcap", wrench(0, topic="/joint_states")
    writer = BagWriter(path, EPOCH_NS, {"stream.joints": "/joint_states"}, lambda _: "std_msgs/Header header\n")
    writer.write(own)
    writer.close()
    with path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        [(schema, channel, message)] = reader.iter_messages()
    assert summary is not None and summary.statistics is not None and summary.statistics.message_count == 1
    assert schema is not None and (schema.name, schema.encoding) == (own.type_name, "ros2msg")
    assert schema.data == b"std_msgs/Header header\n" and channel.message_encoding == "cdr"
    assert (message.data, message.log_time) == (own.data, own.receive_ns + EPOCH_NS)
    bag = Bag(path)
    assert list(bag.messages()) == [own] and bag.metadata["stream.joints"] == "/joint_states"


def packages(folder: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        package, message = name.split("__")
        (folder / package / "msg").mkdir(parents=True, exist_ok=True)
        (folder / package / "msg" / f"{message}.msg").write_text(text)
    return [folder]


def test_a_definition_holds_every_type_once_that_the_message_is_made_of(tmp_path: Path) -> None:
    folders = packages(
        tmp_path,
        a__Whole="# says much\nuint8 ONE=1  # a constant\nb/Part[<=3] parts\nOwn own\nstring<=5 name 'x'\nb/Part p\n",
        a__Own="float64[9] values\n",
        b__Part="a/Own own\nbool there\n",
    )
    whole, part, own = message_definition("a/msg/Whole", folders).split(f"\n{SEPARATOR}\n")
    assert whole.startswith("# says much") and part == "MSG: b/Part\na/Own own\nbool there\n"
    assert own == "MSG: a/Own\nfloat64[9] values\n"


def test_a_definition_of_which_a_part_is_not_installed_is_empty(tmp_path: Path) -> None:
    folders = packages(tmp_path, a__Whole="b/Part part\n")
    assert message_definition("a/msg/Whole", folders) == message_definition("c/msg/Absent", folders) == ""
