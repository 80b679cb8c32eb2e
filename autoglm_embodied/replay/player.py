"""Messages with the times at which they came into the same sensor input, aligner and policy that a robot uses.

What is equal to the bit. An Observation depends on the bytes of the messages, on the order in which they were pushed
and on how long before the tick each came. A `Player` is given all three, so the same messages and instants give the
same Observations, whether the messages come from the network just now or from a bag: it is fed by the one thread that
also recorded them, or by a reader of the file. Two things of a robot's fusion node no bag knows: by how much its own
subscriptions received earlier or later than the recorder's, and how long it took to encode a frame (here: no time).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping

import numpy as np

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import BagError, SensorError
from autoglm_embodied.ingest.cdr import BEGIN, STAMP, read_stamp_ns, read_voice_command
from autoglm_embodied.ingest.sensor_input import STREAMS, SensorInput
from autoglm_embodied.replay.runners import Runner
from autoglm_embodied.replay.tick_schedule import TickSchedule
from autoglm_embodied.types import Observation

FAST = ("wrench", "wrench_batch", "joints")
MAX_NAMED = 6  # topics in an error
NS_PER_S = 1e9


class StreamStatistics:
    """When the messages of a recorded stream came and what their stamps say."""

    def __init__(self) -> None:
        self._receive_ns = array("q")
        self._stamps_ns = array("q")

    def add(self, receive_ns: int, stamp_ns: int) -> None:
        """Add a message.

        Args:
            receive_ns: when it came, on the recorder's clock.
            stamp_ns: of its header.
        """
        self._receive_ns.append(receive_ns)
        self._stamps_ns.append(stamp_ns)

    @property
    def messages(self) -> int:
        """How many there are."""
        return len(self._receive_ns)

    @property
    def span_s(self) -> float:
        """From the first to the last receive time."""
        return (max(self._receive_ns) - min(self._receive_ns)) / NS_PER_S if self._receive_ns else 0.0

    @property
    def rate_hz(self) -> float:
        """Mean rate; 0 where there are too few to tell."""
        return (self.messages - 1) / self.span_s if self.span_s > 0 else 0.0

    @property
    def lost(self) -> int:
        """How many are missing between the first and the last stamp, at the median period."""
        gaps_ns = np.diff(np.unique(np.frombuffer(self._stamps_ns, np.int64)))
        if not len(gaps_ns):
            return 0
        return int(np.maximum(np.rint(gaps_ns / np.median(gaps_ns)) - 1, 0).sum())


class Player:
    """Takes messages in the order in which they came, and ticks in between.

    Args:
        sensor_input: takes the sensors' messages.
        runner: takes the voice commands, and ticks.
        schedule: when there is a tick.
        on_observation: called with what each tick observed.

    Attributes:
        streams: statistics of each stream.
    """

    def __init__(
        self,
        sensor_input: SensorInput,
        runner: Runner,
        schedule: TickSchedule,
        on_observation: Callable[[Observation], None],
    ) -> None:
        self.streams = {name: StreamStatistics() for name in STREAMS}
        self._input = sensor_input
        self._runner = runner
        self._schedule = schedule
        self._on_observation = on_observation

    def take(self, stream: str, message: BagMessage) -> None:
        """Do the ticks that are due, then take the message.

        Args:
            stream: one of STREAMS.
            message: not older than the one before.
        """
        data, receive_ns = message.data, message.receive_ns
        for instant in self._schedule.due_before(receive_ns):
            self._on_observation(self._runner.tick(instant))
        stamp_ns = read_stamp_ns(data) if len(data) >= BEGIN + STAMP.size else receive_ns
        self.streams[stream].add(receive_ns, stamp_ns)
        if stream in FAST:
            self._schedule.update(stamp_ns, receive_ns)
        if stream == "voice":
            self._take_voice(data, stamp_ns)
            return
        pair = self._input.take(stream, data, receive_ns)
        if pair is not None:
            self._input.push(pair)

    def _take_voice(self, data: bytes, stamp_ns: int) -> None:
        try:
            self._runner.on_voice(read_voice_command(data), stamp_ns)
        except SensorError as error:
            self._input.reject("voice", error)


def play(bag: Bag, chosen: Mapping[str, str], take: Callable[[str, BagMessage], None]) -> None:
    """Pass all messages of a bag, that are of a stream, to `take`.

    Args:
        bag: not read yet.
        chosen: the topics of streams that are neither the default ones nor those that the recorder noted.
        take: the stream and the message.

    Raises:
        BagError: it cannot be read, has none of the topics, or one of another type.
    """
    streams: dict[str, str] = {}
    others: dict[str, str] = {}
    taken = 0
    for message in bag.messages():
        if not streams:
            streams = {topic: stream for stream, topic in topics(bag.metadata, chosen).items()}
        stream = streams.get(message.topic)
        if stream is None:
            others[message.topic] = message.type_name
            continue
        wanted = STREAMS[stream].type_name
        if message.type_name != wanted:
            raise BagError(
                f"{message.topic} must be of type {wanted} to be replayed as {stream}, got {message.type_name}; "
                f"name the right topic with --topic {stream}=NAME"
            )
        take(stream, message)
        taken += 1
    if not taken:
        raise BagError(_nothing_known(others))


def topics(metadata: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The topic of each stream: chosen, or noted by the recorder, or the default one.

    Args:
        metadata: those of the bag.
        chosen: topics by stream.
    """
    noted = {stream: metadata.get(f"stream.{stream}", default.topic) for stream, default in STREAMS.items()}
    return {stream: f"/{topic.lstrip('/')}" for stream, topic in (noted | dict(chosen)).items()}


def _nothing_known(others: Mapping[str, str]) -> str:
    if not others:
        return "the recording holds no message at all; record while the drivers run"
    named = [f"{topic} ({kind})" for topic, kind in sorted(others.items())[:MAX_NAMED]]
    more = f" and {len(others) - MAX_NAMED} others" if len(others) > MAX_NAMED else ""
    return f"the recording has no known topic, but {', '.join(named)}{more}; name the sensors' with --topic STREAM=NAME"
