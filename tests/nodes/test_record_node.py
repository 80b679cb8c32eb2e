"""Recording real topics: what is replayed is what was heard, and a kill or a full disk costs no more than it must."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcap.reader import make_reader
from node_graph import LIMIT_S, Graph
from observing import ROBOT, GivenTicks, aligner_runner, bits, player
from rclpy.serialization import deserialize_message
from replay_cases import STREAM_OF
from sensor_msgs.msg import CompressedImage

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.writer import BackgroundBagWriter, BagWriter
from autoglm_embodied.errors import SensorError
from autoglm_embodied.graph.domain import environment
from autoglm_embodied.ingest.cdr import read_stamp_ns, read_wrench
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.nodes.record_node import SWITCH_INTERVAL_S
from autoglm_embodied.replay.player import play
from autoglm_embodied.replay.runners import Instant, PolicyRunner, Runner
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES, RawSubscriptions
from autoglm_embodied.tools.cli import main
from autoglm_embodied.types import Observation

pytestmark = pytest.mark.slow

SENDER = Path(__file__).with_name("sensor_sender.py")
ENOUGH = 10  # observations in which every sense is there
TICK_NS = 50_000_000  # seldom enough for a machine that has other things to do
NS_PER_S = 1_000_000_000
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(domain: int) -> Iterator[Start]:
    """Starts processes in the graph and leaves none."""
    started: list[subprocess.Popen[str]] = []

    def begin(
        *arguments: str | Path, limit_bytes: int = resource.RLIM_INFINITY, cwd: Path | None = None
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env=environment(domain, os.environ, sends_frames=arguments[0] == SENDER),
        )
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def recorder(start: Start) -> Start:
    """Starts a recorder that is at work."""

    def begin(path: Path, *arguments: str, limit_bytes: int = resource.RLIM_INFINITY) -> subprocess.Popen[str]:
        command = ("-m", "autoglm_embodied.tools.cli", "record", "--out", path, *arguments)
        process = start(*command, limit_bytes=limit_bytes)
        assert process.stdout is not None and "recording to" in process.stdout.readline()
        return process

    return begin


class RecordingReceiver:
    """Records and observes what comes, both on one thread, as the fusion node does in its own time."""

    def __init__(self, graph: Graph, runner: Runner, path: Path) -> None:
        self.observed: list[Observation] = []
        self.instants: list[Instant] = []
        self.rejected: list[SensorError] = []
        epoch_ns = time.time_ns() - time.monotonic_ns()
        self._runner = runner
        self._player = player(runner, GivenTicks(), self.observed, self.rejected)
        self._writer = BackgroundBagWriter(BagWriter(path, epoch_ns, {}, lambda _: ""), time.monotonic_ns)
        self._topics = RawSubscriptions(graph.node, epoch_ns, self._take)
        for stream, default in STREAMS.items():
            self._topics.add(default.topic, STREAM_TYPES[stream])

    def listen(self, sender: subprocess.Popen[str]) -> None:
        """Until all senses were there for a good while, or the sender is done."""
        next_ns = time.monotonic_ns()
        while sender.poll() is None and self.whole() < ENOUGH:
            self._topics.wait(TICK_NS // 10)
            self._topics.poll()
            if time.monotonic_ns() >= next_ns:
                next_ns += TICK_NS
                self.instants.append(Instant(time.time_ns(), time.monotonic_ns()))
                self.observed.append(self._runner.tick(self.instants[-1]))
        self._topics.wait(NS_PER_S)
        self._topics.poll()  # a replay does the last tick when it comes to a later message
        self._topics.close()
        self._writer.close()
        assert self._writer.failure is None and not self._writer.dropped

    def whole(self) -> int:
        """Observations in which every sense was there."""
        return sum(all(sense.present for sense in observation.senses()) for observation in self.observed)

    def _take(self, message: BagMessage) -> None:
        self._writer.put(message)
        self._player.take(STREAM_OF[message.topic], message)


@pytest.fixture
def short_turns() -> Iterator[None]:
    """As in the fusion node: a thread that computes does not wait 5 ms for its turn after each operation."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    yield
    sys.setswitchinterval(before)


def policy_runner(checkpoint: Path) -> PolicyRunner:
    from autoglm_embodied.replay import bag_replay

    return bag_replay.policy_runner(checkpoint, ROBOT, AlignSettings())


@pytest.mark.parametrize("acts", [False, True], ids=["aligner", "aligner and model"])
def test_a_replay_observes_what_was_observed_live_to_the_bit(
    acts: bool, short_turns: None, graph: Graph, start: Start, checkpoint: Path, tmp_path: Path
) -> None:
    runners = [policy_runner(checkpoint) if acts else aligner_runner() for _ in range(2)]
    receiver = RecordingReceiver(graph, runners[0], tmp_path / "live.mcap")
    sender = start(SENDER, "40", "10", "320x240")
    receiver.listen(sender)
    sender.kill()
    assert receiver.whole() >= ENOUGH, "all senses must be there for a good while"

    again: list[Observation] = []
    rejected: list[SensorError] = []
    bag = Bag(tmp_path / "live.mcap")
    ticks = GivenTicks(receiver.instants)
    play(bag, {}, player(runners[1], ticks, again, rejected).take)
    assert list(map(str, rejected)) == list(map(str, receiver.rejected))
    assert len(again) == len(receiver.observed) >= ENOUGH
    for before, after in zip(receiver.observed, again, strict=True):
        assert bits(before) == bits(after)
    if acts:
        live, replayed = runners
        assert isinstance(live, PolicyRunner) and isinstance(replayed, PolicyRunner)
        assert live.decisions == replayed.decisions >= ENOUGH - 1 and bits(live.newest) == bits(replayed.newest)


def test_what_a_kill_leaves_can_be_read_and_all_streams_of_it_end_together(
    recorder: Start, start: Start, tmp_path: Path
) -> None:
    """That no more than a second is lost is shown of the writer, in tests/bag, on a clock of its own."""
    path = tmp_path / "killed.mcap"
    recording = recorder(path)
    sender = start(SENDER, "60", "10", "640x480")
    deadline = time.monotonic() + LIMIT_S
    while path.stat().st_size < 50_000_000 and time.monotonic() < deadline:
        time.sleep(0.1)
    recording.kill()
    recording.wait()
    sender.kill()
    bag = Bag(path)
    messages = list(bag.messages())
    assert "it ends in the middle" in bag.damages[0]
    newest = {STREAM_OF[message.topic]: read_stamp_ns(message.data) for message in messages}
    steady = [newest[stream] for stream in ("rgb", "depth", "camera_info", "wrench", "joints")]
    assert max(steady) - min(steady) < NS_PER_S
    numbers = [read_wrench(message.data)[2][3] for message in messages if STREAM_OF[message.topic] == "wrench"]
    assert numbers == sorted(set(numbers)) and len(numbers) > 100


def test_a_full_disk_ends_the_recording_in_one_sentence_and_nothing_else(
    recorder: Start, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "full.mcap"
    recording = recorder(path, limit_bytes=20_000_000)
    sender = start(SENDER, "3", "25", "640x480")
    output, _ = recording.communicate(timeout=LIMIT_S)
    assert recording.returncode == 2 and "Traceback" not in output
    [sentence] = [line for line in output.splitlines() if "recording stopped" in line]
    assert "(File too large)" in sentence and str(path) in sentence
    assert sender.wait(timeout=LIMIT_S) == 0
    assert path.stat().st_size == 20_000_000
    assert sum(message.type_name == "sensor_msgs/msg/Image" for message in Bag(path).messages()) > 10


def test_an_interrupt_ends_a_recording_that_other_tools_can_read_and_replay_too(
    recorder: Start, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "whole.mcap"
    recording = recorder(path, "--topic", "/rosout")
    assert start(SENDER, "3", "25", "640x480").wait(timeout=LIMIT_S) == 0
    recording.send_signal(signal.SIGINT)
    output, _ = recording.communicate(timeout=LIMIT_S)
    assert (
        recording.returncode == 0
        and " of /force_torque_sensor_broadcaster/wrench" in output
        and "Traceback" not in output
    )
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None and summary.statistics is not None
    assert summary.statistics.message_count == len(list(Bag(path).messages())) > 100
    definitions = {schema.name: schema.data.decode() for schema in summary.schemas.values()}
    assert "uint8[] data" in definitions["sensor_msgs/msg/Image"]
    assert "MSG: builtin_interfaces/Time" in definitions["sensor_msgs/msg/Image"]
    assert all(definitions.values()) and "autoglm_embodied_interfaces/msg/VoiceCommand" in definitions
    assert main(["replay", str(path)]) == 0


def test_a_camera_that_compresses_is_recorded_as_it_comes(recorder: Start, graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "jpeg.mcap"
    recording = recorder(path)
    publisher = graph.publisher(CompressedImage, STREAMS["rgb"].topic, 5)  # once it listens to this type
    empty_bytes = path.stat().st_size
    message = CompressedImage(format="jpeg", data=array("B", range(50)))
    timer = graph.node.create_timer(0.02, lambda: publisher.publish(message))
    graph.until(lambda: path.stat().st_size > empty_bytes, "something is recorded")
    graph.end(recording, signal.SIGINT)
    graph.node.destroy_timer(timer)
    graph.node.destroy_publisher(publisher)
    recorded = [sent for sent in Bag(path).messages() if STREAM_OF[sent.topic] == "rgb"]
    assert recorded and {sent.type_name for sent in recorded} == {"sensor_msgs/msg/CompressedImage"}
    assert all(deserialize_message(sent.data, CompressedImage) == message for sent in recorded)


def test_a_recording_ends_after_its_seconds_and_says_that_nothing_came(recorder: Start, tmp_path: Path) -> None:
    recording = recorder(tmp_path / "silent.mcap", "--seconds", "0.5")
    output, _ = recording.communicate(timeout=LIMIT_S)
    assert recording.returncode == 1 and "no message came" in output


def test_the_doctor_describes_a_running_graph_whatever_its_topics_are_called(start: Start, tmp_path: Path) -> None:
    sender = start(SENDER, "60", "10", "160x120", "--ros-args", "-r", "__ns:=/cell")
    figures, folder = tmp_path / "doctor.json", tmp_path / "my_robot"
    doctor = ("--live", "--seconds", "6", "--write", folder, "--json", figures)
    process = start("-m", "autoglm_embodied.tools.cli", "doctor", *doctor, cwd=tmp_path)
    output, _ = process.communicate(timeout=LIMIT_S)
    assert sender.poll() is None and process.returncode in (0, 1), output  # a busy machine may not hear enough
    found = {facts["topic"]: facts for facts in json.loads(figures.read_text())["topics"]}
    wrench = found["/cell/force_torque_sensor_broadcaster/wrench"]
    assert (
        wrench["use"].startswith("used as wrench")
        and 0 < wrench["rate_hz"] < 1100  # how much less depends on the machine
        and "wall clock" in wrench["clock"]
    )
    assert "rgb8 160x120" in found["/cell/camera/color/image_raw"]["layout"]
    names = ("robot", "camera", "fusion", "governor", "contract")
    assert {path.name for path in folder.iterdir()} == {f"{name}.yaml" for name in names}
    assert len(list((tmp_path / "out/doctor").glob("*.mcap"))) == 1


def test_the_doctor_of_a_silent_graph_says_what_it_looked_for(start: Start, tmp_path: Path) -> None:
    process = start("-m", "autoglm_embodied.tools.cli", "doctor", "--live", "--seconds", "1", cwd=tmp_path)
    output, _ = process.communicate(timeout=LIMIT_S)
    (said,) = (line for line in output.splitlines() if line.startswith("autoglm doctor: "))
    assert process.returncode == 2 and "nothing came in 1 s: looked for topics of" in said
    assert "sensor_msgs/msg/JointState" in said and "start the drivers" in said
    assert not list(tmp_path.rglob("*.mcap"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--topic", "joints=a b"], "--topic must be NAME or STREAM=NAME"),
        (["--topic", "joints=/1a"], "must be the name of a topic"),
        (["--seconds", "-1"], "--seconds must be 0 or more"),
        (["--out", "/proc/none/a.mcap"], "cannot record to /proc/none/a.mcap"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_one_sentence(arguments: list[str], said: str, start: Start) -> None:
    process = start("-m", "autoglm_embodied.tools.cli", "record", *arguments)
    output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 2 and said in output and len(output.strip().splitlines()) == 1
