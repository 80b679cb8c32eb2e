"""Messages with the times at which they came into the same intake, aligner and policy that a robot uses.

What is equal to the bit. An Observation depends on the bytes of the messages, on the order in which they were pushed
and on how long before the tick each came. A `Player` is given all three, so the same messages and instants give the
same Observations, whether the messages come from the network just now or from a bag: it is fed by the one thread that
also recorded them, or by a reader of the file. Two things of a robot's fusion node no bag knows: by how much its own
ears heard earlier or later than the recorder's, and how long it took to encode a frame (here: no time at all).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autoglm_embodied_interfaces.msg import VoiceCommand
from rclpy.serialization import deserialize_message

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import BagError, SensorError
from autoglm_embodied.ingest.cdr import BEGIN, STAMP, read_stamp_ns, whole
from autoglm_embodied.ingest.sensor_input import Intake
from autoglm_embodied.replay.sessions import Session
from autoglm_embodied.replay.stream_statistics import StreamStats
from autoglm_embodied.replay.tick_schedule import Schedule
from autoglm_embodied.ros.raw_subscriptions import KINDS, TOPICS
from autoglm_embodied.ros.sensor_topic import type_name
from autoglm_embodied.types import Observation

FAST = ("wrench", "wrench_batch", "joints")
MOST_NAMED = 6  # topics in an error


class Player:
    """Takes messages in the order in which they came, and ticks in between."""

    def __init__(
        self, intake: Intake, session: Session, schedule: Schedule, observed: Callable[[Observation], None]
    ) -> None:
        self.streams = {name: StreamStats() for name in TOPICS}
        self._intake = intake
        self._session = session
        self._schedule = schedule
        self._observed = observed

    def take(self, stream: str, message: BagMessage) -> None:
        """Do the ticks that are due, then take the message."""
        data, receive_ns = message.data, message.receive_ns
        for instant in self._schedule.before(receive_ns):
            self._observed(self._session.tick(instant))
        stamp_ns = read_stamp_ns(data) if len(data) >= BEGIN + STAMP.size else receive_ns
        self.streams[stream].note(receive_ns, stamp_ns)
        if stream in FAST:
            self._schedule.note(stamp_ns, receive_ns)
        if stream == "voice":
            self._hear(data, stamp_ns)
            return
        pair = self._intake.take(stream, data, receive_ns)
        if pair is not None:
            self._intake.push(pair)

    def _hear(self, data: bytes, stamp_ns: int) -> None:
        try:
            self._session.hear(whole(deserialize_message)(data, VoiceCommand), stamp_ns)
        except SensorError as error:
            self._intake.reject("voice", error)


def replay(bag: Bag, chosen: Mapping[str, str], take: Callable[[str, BagMessage], None]) -> None:
    """Hand all messages of a bag, that are of a stream, to `take`.

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
            streams = {topic: stream for stream, topic in topics(bag.facts, chosen).items()}
        stream = streams.get(message.topic)
        if stream is None:
            others[message.topic] = message.type_name
            continue
        wanted = type_name(KINDS[stream].message)
        if message.type_name != wanted:
            raise BagError(
                f"{message.topic} must be of type {wanted} to be replayed as {stream}, got {message.type_name}; "
                f"name the right topic with --topic {stream}=NAME"
            )
        take(stream, message)
        taken += 1
    if not taken:
        raise BagError(_nothing_known(others))


def topics(facts: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The topic of each stream: chosen, or noted by the recorder, or the default one."""
    found = {stream: facts.get(f"stream.{stream}", topic) for stream, topic in TOPICS.items()} | dict(chosen)
    return {stream: f"/{topic.lstrip('/')}" for stream, topic in found.items()}


def _nothing_known(others: Mapping[str, str]) -> str:
    if not others:
        return "the recording holds no message at all; record while the drivers run"
    named = [f"{topic} ({kind})" for topic, kind in sorted(others.items())[:MOST_NAMED]]
    more = f" and {len(others) - MOST_NAMED} others" if len(others) > MOST_NAMED else ""
    return f"the recording has no known topic, but {', '.join(named)}{more}; name the sensors' with --topic STREAM=NAME"
