"""Messages with the times at which they came into the same sensor input, aligner and policy that a robot uses.

What is equal to the bit. An Observation depends on the bytes of the messages, on the order in which they were pushed
and on how long before the tick each came. A `Player` is given all three, so the same messages and instants give the
same Observations, whether the messages come from the network just now or from a bag: it is fed by the one thread that
also recorded them, or by a reader of the file. Two things of a robot's fusion node no bag knows: by how much its own
subscriptions received earlier or later than the recorder's, and how long it took to encode a frame (here: no time).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import BagError, SensorError
from autoglm_embodied.ingest.cdr import BEGIN, STAMP, read_stamp_ns, read_voice_command
from autoglm_embodied.ingest.sensor_input import FAST_STREAMS, STREAMS, SensorInput, Stream
from autoglm_embodied.replay.runners import Instant, Runner
from autoglm_embodied.types import Observation

MAX_NAMED = 6  # topics in an error
NS_PER_S, NS_PER_MS = 1e9, 1e6
JUMP_NS = 1_000_000_000  # of stamps against receive times: the sender's clock was set, or a simulator restarted
MOST_EXCHANGED = 0.01  # of a stream's messages, that a network may exchange or double
STEP_NS = 50_000_000  # of stamps against receive times, that is no change of transport
SMOOTHED, STEADIER = 5, 4  # messages whose median is compared; by how much less the offset varies but for the step
HOLE_NS = 5_000_000_000  # without a message, beyond which there are no ticks once every sensor is stale
STALE_NS = 500_000_000
LIVE_NS = 500_000_000  # since a stream's newest stamp, for it to tell the time
TIMED_STREAMS = (*FAST_STREAMS, "rgb")  # whose stamps tell the time


class MessageTimes:
    """When the messages of a recorded stream came, on the recorder's clock, and their header stamps [ns]."""

    def __init__(self) -> None:
        self.receive_ns = array("q")
        self.stamps_ns = array("q")
        self.groups = array("q")  # of joints: which of several publishers each message is of

    def span_s(self) -> float:
        """From the first to the last receive time."""
        return (max(self.receive_ns) - min(self.receive_ns)) / NS_PER_S

    def lost(self) -> int:
        """How many are missing between the stamps of each publisher, at its median period; none where these jump."""
        return sum(map(_lost, self._sessions()))

    def problems(self, stream: str) -> Iterable[str]:
        """Sentences about stamps that step, go back, or repeat, but for the few that a network may exchange."""
        sessions = [session for publisher in self._sessions() for session in publisher]
        late = sum(int((each < np.maximum.accumulate(each)).sum()) for each, _ in sessions)
        repeated = sum(len(each) - len(np.unique(each)) for each, _ in sessions)
        steps_ns = [_step_ns(stamps_ns - receive_ns) for stamps_ns, receive_ns in sessions]
        few, cure = 1 + MOST_EXCHANGED * len(self.stamps_ns), "let its driver stamp each message when it measures"
        if late > few:
            yield f"{late} of {stream} are stamped before what came earlier; {cure}"
        if any(steps_ns):
            step_ms = max(steps_ns, key=abs) / NS_PER_MS
            yield f"the stamps of {stream} step by {step_ms:.0f} ms against their receipt; let nobody set a clock"
        if repeated > few:
            yield f"{repeated} of {stream} repeat a stamp, and were left out; {cure}"

    def _sessions(self) -> Iterable[list[NDArray[np.int64]]]:
        """The stamps and receive times (2, n) of each publisher, between the jumps of its stamps."""
        columns = (np.frombuffer(column, np.int64) for column in (self.stamps_ns, self.receive_ns, self.groups))
        stamps_ns, receive_ns, groups = columns
        for group in set(self.groups):
            own_ns = np.stack([stamps_ns, receive_ns])[:, groups == group]
            jumps = np.flatnonzero(np.abs(np.diff(own_ns[0] - own_ns[1])) > JUMP_NS)
            yield np.split(own_ns, jumps + 1, axis=1)


def _step_ns(offsets_ns: NDArray[np.int64]) -> float:
    """By how much offsets (n,) change once; 0 where they are steady, or vary as well."""
    if len(offsets_ns) < 2 * SMOOTHED:
        return 0.0
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(offsets_ns, SMOOTHED), axis=1)
    at = int(np.abs(smooth[SMOOTHED:] - smooth[:-SMOOTHED]).argmax()) + SMOOTHED
    parts = offsets_ns[: at - SMOOTHED // 2], offsets_ns[at + SMOOTHED // 2 :]  # without those beside the step
    step_ns = float(np.median(parts[1]) - np.median(parts[0]))
    varying_ns = max(float(np.ptp(np.percentile(part, (10, 90)))) for part in parts)
    return step_ns if abs(step_ns) > max(STEP_NS, STEADIER * varying_ns) else 0.0


def _lost(sessions: list[NDArray[np.int64]]) -> int:
    gaps_ns = np.concatenate([np.diff(np.unique(stamps_ns)) for stamps_ns, _ in sessions])
    return int(np.maximum(np.rint(gaps_ns / np.median(gaps_ns)) - 1, 0).sum()) if len(gaps_ns) else 0


class TickSchedule(Protocol):
    """When there is a tick."""

    def update(self, stream: str, stamp_ns: int, receive_ns: int) -> None:
        """Take note of a message of one of TIMED_STREAMS: the stamp of its header, and when it came."""

    def due_before(self, receive_ns: int) -> Iterable[Instant]:
        """The ticks that are due before a message of that time is taken."""


class EvenTicks:
    """Ticks at a steady rate from the first message on, none in a hole of the recording once all senses are stale.

    The stamps are taken to be of the wall clock, as those of drivers are, if any live stream's are. Where none is
    (simulated time) the tick is as long after the newest stamp as that message came ago, of the streams on whose clock
    most agree: one with a clock of its own never leads. `Stream.absence` masks it.

    Args:
        rate_hz: of the ticks.
        epoch_ns: returns the wall clock minus the clock of the receive times, once the first message is there.
        limits: by how much the stamps of one clock may differ.
    """

    def __init__(self, rate_hz: float, epoch_ns: Callable[[], int], limits: AlignSettings) -> None:
        self._period_ns = round(NS_PER_S / rate_hz)
        self._epoch_ns = epoch_ns
        self._limits = limits
        self._next_ns: int | None = None
        self._newest: dict[str, tuple[int, int]] = {}  # of each stream: stamp, receive time
        self._offset_ns: int | None = None  # stamp minus receive time of a tick, where it is not the wall clock's
        self._holes_ns: list[int] = []

    def update(self, stream: str, stamp_ns: int, receive_ns: int) -> None:
        """See TickSchedule."""
        newest_ns, then_ns = self._newest.get(stream, (0, 0))
        since_ns, passed_ns = stamp_ns - newest_ns, receive_ns - then_ns
        jumped = abs(since_ns - passed_ns) > JUMP_NS >= passed_ns  # the ticks follow once that lasts, as streams do
        if stream not in self._newest or not (jumped or -JUMP_NS <= since_ns <= 0):  # a repeated one tells no time
            self._newest[stream] = stamp_ns, receive_ns

    def due_before(self, receive_ns: int) -> Iterable[Instant]:
        """See TickSchedule."""
        if self._next_ns is None:
            self._next_ns = receive_ns
        hole_ns, begin_ns = receive_ns - self._next_ns, self._next_ns
        end_ns = receive_ns if hole_ns <= HOLE_NS else begin_ns + STALE_NS * bool(self._newest)
        while self._next_ns < end_ns:
            yield Instant(self._next_ns + self._offset_at(self._next_ns), self._next_ns)
            self._next_ns += self._period_ns
        if hole_ns > HOLE_NS:
            self._holes_ns.append(hole_ns)
            self._next_ns = receive_ns

    def notes(self) -> list[str]:
        """Sentences about holes that were skipped, and about a clock of the stamps that is not the recorder's."""
        said = []
        if self._holes_ns:
            held_s, count = sum(self._holes_ns) / NS_PER_S, len(self._holes_ns)
            said.append(f"nothing was recorded for {held_s:.3g} s (holes in time: {count}), which were skipped")
        if self._offset_ns is not None:
            off_s = (self._epoch_ns() - self._offset_ns) / NS_PER_S
            said.append(f"the ticks follow the stamps, whose clock is {off_s:.3g} s behind the recorder's")
        return said

    def _offset_at(self, now_receive_ns: int) -> int:
        """Stamp minus receive time of a tick."""
        limits, epoch_ns = self._limits, self._epoch_ns()
        live = {name: times for name, times in self._newest.items() if now_receive_ns - times[1] <= LIVE_NS}
        offsets = {name: stamp_ns - receive_ns for name, (stamp_ns, receive_ns) in live.items()}
        if any(-limits.late_limit_ns <= ns - epoch_ns <= limits.ahead_limit_ns for ns in offsets.values()):
            self._offset_ns = None
        elif offsets:

            def rank(name: str) -> tuple[int, bool, int]:
                alike = sum(abs(offsets[name] - ns) <= limits.late_limit_ns for ns in offsets.values())
                return alike, name in FAST_STREAMS, live[name][1]

            self._offset_ns = offsets[max(live, key=rank)]
        return epoch_ns if self._offset_ns is None else self._offset_ns


class Player:
    """Takes messages in the order in which they came, and ticks in between, as the schedule says.

    The sensors' go to the sensor input, the voice commands to the runner, and what each tick observes to
    `on_observation`.
    """

    def __init__(
        self,
        sensor_input: SensorInput,
        runner: Runner,
        schedule: TickSchedule,
        on_observation: Callable[[Observation], None],
    ) -> None:
        self.streams = {name: MessageTimes() for name in STREAMS}
        self._input = sensor_input
        self._runner = runner
        self._schedule = schedule
        self._on_observation = on_observation

    def take(self, stream: str, message: BagMessage) -> None:
        """Do the ticks that are due, then take the message of one of STREAMS, not older than the one before."""
        data, receive_ns = message.data, message.receive_ns
        for instant in self._schedule.due_before(receive_ns):
            self._on_observation(self._runner.tick(instant))
        stamp_ns = read_stamp_ns(data) if len(data) >= BEGIN + STAMP.size else receive_ns
        self.streams[stream].receive_ns.append(receive_ns)
        self.streams[stream].stamps_ns.append(stamp_ns)
        if stream in TIMED_STREAMS:
            self._schedule.update(stream, stamp_ns, receive_ns)
        if stream == "voice":
            self._take_voice(data, stamp_ns)
        elif pair := self._input.take(stream, data, receive_ns, Stream(message.topic, message.type_name)):
            self._input.push(pair)
        self.streams[stream].groups.append(self._input.joints.group if stream == "joints" else 0)

    def _take_voice(self, data: bytes, stamp_ns: int) -> None:
        try:
            self._runner.on_voice(read_voice_command(data), stamp_ns)
        except SensorError as error:
            self._input.reject("voice", error)


def play(bag: Bag, chosen: Mapping[str, str], take: Callable[[str, BagMessage], None]) -> None:
    """Pass all messages of a bag, that are of a stream, with that stream to `take`.

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
        if message.type_name not in STREAMS[stream].types:
            wanted = " or ".join(STREAMS[stream].types)
            raise BagError(
                f"{message.topic} must be of type {wanted} to be replayed as {stream}, got {message.type_name}; "
                f"name the right topic with --topic {stream}=NAME"
            )
        take(stream, message)
        taken += 1
    if not taken:
        raise BagError(_nothing_known(others))


def topics(metadata: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The topic of each stream: chosen, or noted by the recorder in the metadata of its bag, or the default one."""
    noted = {stream: metadata.get(f"stream.{stream}", default.topic) for stream, default in STREAMS.items()}
    return {stream: f"/{topic.lstrip('/')}" for stream, topic in (noted | dict(chosen)).items()}


def _nothing_known(others: Mapping[str, str]) -> str:
    if not others:
        return "the recording holds no message at all; record while the drivers run"
    named = [f"{topic} ({kind})" for topic, kind in sorted(others.items())[:MAX_NAMED]]
    more = f" and {len(others) - MAX_NAMED} others" if len(others) > MAX_NAMED else ""
    return f"the recording has no known topic, but {', '.join(named)}{more}; name the sensors' with --topic STREAM=NAME"
