"""A replay observes what was observed when it was recorded, to the bit; what is no such recording is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_cases import write_bag, write_metadata, write_ros2_mcap, write_sqlite
from observing import EPOCH_NS, INSTANTS, MS, ROBOT, GivenTicks, aligner_runner, bits, digest, player
from rclpy.serialization import deserialize_message, serialize_message
from replay_cases import STREAM_OF, recording
from sensor_msgs.msg import JointState

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.sensor_input import NominalRates, SensorInput
from autoglm_embodied.replay.player import EvenTicks, Player, play
from autoglm_embodied.replay.runners import Instant
from autoglm_embodied.tools.cli import main
from autoglm_embodied.types import Observation

RECORDING = recording(1500)


def observe(feed: Callable[[Callable[[str, BagMessage], None]], None]) -> list[Observation]:
    """What is observed at INSTANTS of messages that `feed` hands over."""
    observed: list[Observation] = []
    rejected: list[SensorError] = []
    feed(player(aligner_runner(), GivenTicks(INSTANTS), observed, rejected).take)
    assert not rejected
    return observed


def feed(messages: list[BagMessage]) -> Callable[[Callable[[str, BagMessage], None]], None]:
    def hand_over(take: Callable[[str, BagMessage], None]) -> None:
        for message in messages:
            take(STREAM_OF[message.topic], message)

    return hand_over


@pytest.fixture(scope="module")
def live() -> list[Observation]:
    """Observed of the messages themselves; all senses are there in the end."""
    observed = observe(feed(RECORDING))
    assert len(observed) == len(INSTANTS) and all(sense.present for sense in observed[-1].senses())
    assert not all(sense.present for sense in observed[0].senses())
    return observed


def folder_of_two(path: Path, write: Callable[[Path, list[BagMessage]], Path], suffix: str) -> Path:
    path.mkdir()
    half = len(RECORDING) // 2
    for name, part in (("bag_0", RECORDING[:half]), ("bag_1", RECORDING[half:])):
        write(path / f"{name}{suffix}", part)
    return write_metadata(path, [f"bag_0{suffix}", f"bag_1{suffix}"], "mcap")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_bag(path.with_suffix(".mcap"), RECORDING, epoch_ns=123 * MS),
        lambda path: write_ros2_mcap(path.with_suffix(".mcap"), RECORDING),
        lambda path: write_sqlite(path.with_suffix(".db3"), RECORDING),
        lambda path: folder_of_two(path, write_ros2_mcap, ".mcap"),
        lambda path: folder_of_two(path, write_sqlite, ".db3"),
    ],
    ids=["ours", "mcap", "sqlite3", "mcap folder", "sqlite3 folder"],
)
def test_every_kind_of_bag_gives_the_observations_of_the_messages_themselves(
    write: Callable[[Path], Path], live: list[Observation], tmp_path: Path
) -> None:
    bag = Bag(write(tmp_path / "bag"))
    assert bits_of(observe(lambda take: play(bag, {}, take))) == bits_of(live)


def bits_of(observed: list[Observation]) -> list[Any]:
    return [bits(observation) for observation in observed]


def test_a_machine_without_ros_observes_the_same_to_the_bit(live: list[Observation], tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag.mcap", RECORDING, epoch_ns=123 * MS)
    program = [sys.executable, str(Path(__file__).with_name("observing.py")), str(path)]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "replay.observations" in done.stdout and done.stdout.splitlines()[-1] == digest(live)


def test_a_time_of_receipt_that_is_wrong_shows_in_the_observations(live: list[Observation]) -> None:
    late = [replace(message, receive_ns=message.receive_ns + MS) for message in RECORDING]
    assert bits_of(observe(feed(late))) != bits_of(live)


def test_ticks_are_even_on_the_clock_of_the_stamps() -> None:
    ticks = EvenTicks(100.0, lambda: EPOCH_NS, AlignSettings())
    assert list(ticks.due_before(5 * MS)) == []
    ticks.update("wrench", EPOCH_NS + 4 * MS, 5 * MS)
    assert list(ticks.due_before(26 * MS)) == [Instant(EPOCH_NS + k * MS, k * MS) for k in (5, 15, 25)]


def test_where_stamps_are_of_a_clock_of_their_own_ticks_follow_it() -> None:
    ticks = EvenTicks(100.0, lambda: EPOCH_NS, AlignSettings())
    list(ticks.due_before(0))
    ticks.update("wrench", 70 * MS, 3 * MS)  # simulated time
    assert list(ticks.due_before(11 * MS)) == [Instant(67 * MS, 0), Instant(77 * MS, 10 * MS)]


# The command


def test_the_command_tells_what_came_and_what_was_observed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holed = [message for k, message in enumerate(RECORDING) if k % 50]
    path, figures = write_ros2_mcap(tmp_path / "bag.mcap", holed), tmp_path / "replay.json"
    assert main(["replay", str(path), "--rate", "50", "--json", str(figures)]) == 0
    rows = {(row["figure"], row["case"], row["stat"]): row["value"] for row in json.loads(figures.read_text())["rows"]}
    wrenches = [message for message in holed if STREAM_OF[message.topic] == "wrench"]
    assert rows["replay.messages", "wrench", None] == len(wrenches)
    assert 0 < rows["replay.lost", "wrench", None] <= 1500 - len(wrenches)
    assert rows["replay.observations", None, None] == 75 and rows["replay.present", "joints", None] > 0.9
    assert 0 <= rows["replay.time_error_ms", "force", "p50"] < 5
    assert "replay.observations" in capsys.readouterr().out


def test_topics_of_other_names_are_named_by_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    renamed = [replace(message, topic=f"/robot{message.topic}") for message in RECORDING]
    path = write_sqlite(tmp_path / "bag.db3", renamed)
    assert main(["replay", str(path)]) == 2
    said = capsys.readouterr().err
    assert "no known topic, but /robot/camera" in said and len(said.strip().splitlines()) == 1
    assert main(["replay", str(path), "--topic", "joints=robot/joint_states"]) == 0


def apart(record: BagMessage) -> list[BagMessage]:
    """Joint states in two messages, as of an arm and of a gripper with a driver of its own that tells no velocities."""
    whole = deserialize_message(record.data, JointState)
    arm, gripper = deepcopy(whole), deepcopy(whole)
    for name in ("name", "position", "velocity"):
        setattr(arm, name, getattr(whole, name)[:7])
        setattr(gripper, name, getattr(whole, name)[7:] if name != "velocity" else [])
    gripper.header.stamp.nanosec += 300_000
    return [replace(record, data=serialize_message(part)) for part in (arm, gripper)]


def test_an_arm_and_a_gripper_that_publish_apart_are_observed_and_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joints = [message for message in RECORDING if STREAM_OF[message.topic] == "joints"]
    others = [message for message in RECORDING if STREAM_OF[message.topic] != "joints"]
    joints = [part for message in joints[::10] for part in apart(message)]
    found = sorted(others + joints, key=lambda message: message.receive_ns)
    path, figures = write_ros2_mcap(tmp_path / "bag.mcap", found), tmp_path / "replay.json"
    assert main(["replay", str(path), "--json", str(figures)]) == 0
    rows = {(row["figure"], row["case"]): row["value"] for row in json.loads(figures.read_text())["rows"]}
    assert rows["replay.messages", "joints"] == len(joints) and ("replay.refused", "joints") not in rows
    assert rows["replay.lost", "joints"] == 0 and rows["replay.present", "joints"] > 0.9
    assert "refused" not in capsys.readouterr().out


@pytest.mark.parametrize("topic", ["/cam/image_raw", "/cam/image_rect"])
def test_colour_of_a_rectified_topic_is_replayed_as_such(topic: str) -> None:
    """Its intrinsics are those of P, which this recording's camera_info lacks."""
    runner, said = aligner_runner(), list[str]()
    sensors = SensorInput(runner.sink, ROBOT, np.eye(4), NominalRates(), lambda _, error: said.append(str(error)))
    player = Player(sensors, runner, GivenTicks(), lambda _: None)
    first = {STREAM_OF[message.topic]: message for message in reversed(RECORDING)}
    for stream, message in (("camera_info", first["camera_info"]), ("depth", first["depth"])):
        player.take(stream, message)
    player.take("rgb", replace(first["rgb"], topic=topic))
    assert [sentence[:44] for sentence in said] == ["camera_info must hold positive focal lengths"] * topic.endswith(
        "rect"
    )


def of_text(folder: Path) -> list[str]:
    (folder / "bag.mcap").write_text("text")
    return ["bag.mcap"]


def of_wrong_type(folder: Path) -> list[str]:
    write_sqlite(folder / "bag.db3", [replace(RECORDING[1], type_name="std_msgs/msg/String")])
    return ["bag.db3"]


def of_nothing(folder: Path) -> list[str]:
    write_ros2_mcap(folder / "bag.mcap", [])
    return ["bag.mcap"]


def whole(*options: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        return [write_ros2_mcap(folder / "bag.mcap", RECORDING[:10]).name, *options]

    return write


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda folder: ["absent.mcap"], "there is no recording"),
        (of_text, "holds no message that can be read"),
        (of_wrong_type, "must be of type geometry_msgs/msg/WrenchStamped to be replayed as wrench, got std_msgs"),
        (of_nothing, "holds no message at all"),
        (whole("--rate", "0"), "--rate must be above 0"),
        (whole("--topic", "/tf"), "--topic must be STREAM=NAME"),
        (whole("--topic", "smell=/nose"), "the stream must be one of"),
        (whole("--robot", "absent.yaml"), "absent.yaml"),
        (whole("--policy", "absent"), "absent"),
    ],
)
def test_what_cannot_be_replayed_is_refused_in_one_sentence(
    arguments: Callable[[Path], list[str]],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["replay", *arguments(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("autoglm replay: ") and said in error and len(error.splitlines()) == 1
