"""Changes to the times, order, number and bytes of the messages of a recording, each drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

from observing import EPOCH_NS, MS
from replay_cases import STREAM_OF

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.ingest.cdr import BEGIN, BIG_STAMP, NS_PER_S, STAMP

S = 1_000 * MS
SENSORS = ("wrench", "joints", "rgb", "depth", "camera_info", "voice")
GROUPS = [*((name,) for name in SENSORS), ("rgb", "depth"), ("rgb", "depth", "camera_info"), SENSORS]
OFFSETS_NS = [33_000, 4 * MS, 12 * MS, 70 * MS, 300 * MS, 500 * MS, 2 * S, 90 * S, 3600 * S, EPOCH_NS - 12 * S]
LARGEST_NS = 2**62
Times = Callable[[list[int]], list[int]]


@dataclass
class Recording:
    """Messages in the order in which they are written, and how."""

    messages: list[BagMessage]
    notes: list[str] = field(default_factory=list)  # what was drawn
    encodings: dict[str, str] = field(default_factory=dict)  # of topics, where it is not cdr

    def of(self, streams: tuple[str, ...]) -> list[int]:
        """The places of all messages of some streams."""
        return [k for k, message in enumerate(self.messages) if STREAM_OF.get(message.topic) in streams]

    def change(self, places: list[int], change: Callable[[bytes], bytes]) -> None:
        """Change the bytes of some messages."""
        for k in places:
            self.messages[k] = replace(self.messages[k], data=change(self.messages[k].data))


def drawn_streams(random: Random, recording: Recording) -> list[int]:
    """The places of all messages of some streams."""
    streams = random.choice(GROUPS)
    recording.notes.append("+".join(streams) if streams is not SENSORS else "all")
    return recording.of(streams)


def some(random: Random, places: list[int]) -> list[int]:
    """A part of these: one, a few, a stretch, or all."""
    share = random.choice((0.0, 0.02, 0.3, 1.0))
    if random.random() < 0.3 and places:
        begin = random.randrange(len(places))
        return places[begin : begin + max(1, round(share * len(places)))]
    return [k for k in places if random.random() < share] or places[:1]


def drawn_times(random: Random) -> tuple[str, Times]:
    """A change of all times of a stream [ns], and its name."""
    off_ns = random.choice(OFFSETS_NS) * random.choice((-1, 1))
    scale = random.choice((0.5, 0.9, 0.99, 0.999, 1.001, 1.01, 1.1, 2.0))
    grain_ns = random.choice((10 * MS, 100 * MS, S, 100 * S))
    few, begin = random.choice((2, 8, 40, 10_000)), random.random()

    def after(times: list[int], change: Callable[[int], int]) -> list[int]:
        return [change(t) if k >= begin * len(times) else t for k, t in enumerate(times)]

    def shuffled(times: list[int]) -> list[int]:
        parts = [times[k : k + few] for k in range(0, len(times), few)]
        return [t for part in parts for t in random.sample(part, len(part))]

    def sometimes(times: list[int], change: Callable[[int], int]) -> list[int]:
        return [change(t) if random.random() < begin / 2 else t for t in times]

    kinds: dict[str, Times] = {
        "offset": lambda times: [t + off_ns for t in times],
        "jump": lambda times: after(times, lambda t: t + off_ns),
        "sometimes off": lambda times: sometimes(times, lambda t: t + off_ns),
        "scale": lambda times: [times[0] + round(scale * (t - times[0])) for t in times],
        "shuffle": shuffled,
        "coarse": lambda times: [t // grain_ns * grain_ns for t in times],
        "zero": lambda times: [0] * len(times),
        "sometimes zero": lambda times: sometimes(times, lambda t: 0),
        "backwards": lambda times: times[::-1],
        "frozen": lambda times: after(times, lambda t: times[int(begin * len(times))]),
        "repeated": lambda times: times[:1] + [a if random.random() < begin else b for a, b in pairwise(times)],
        "jitter": lambda times: [t + round(random.gauss(0, few) * MS) for t in times],
        "extreme": lambda times: sometimes(times, lambda t: random.choice((-1, 2**31 * NS_PER_S, LARGEST_NS))),
    }
    name = random.choice(list(kinds))
    return f"{name} {off_ns / 1e9:.3g} s x{scale:g} /{grain_ns / 1e9:g} s {few} {begin:.2f}", kinds[name]


def stamp_of(data: bytes) -> int:
    """The stamp [ns] of a message, which may be none."""
    seconds, rest_ns = (STAMP if data[1] % 2 else BIG_STAMP).unpack_from(data, BEGIN)
    return int(seconds * NS_PER_S + rest_ns)


def with_stamp(data: bytes, stamp_ns: int) -> bytes:
    seconds, rest_ns = divmod(stamp_ns, NS_PER_S)
    changed = bytearray(data)
    STAMP.pack_into(changed, BEGIN, max(-(2**31), min(seconds, 2**31 - 1)), rest_ns)
    return bytes(changed)


def stamps(random: Random, recording: Recording) -> None:
    places = [k for k in drawn_streams(random, recording) if len(recording.messages[k].data) >= BEGIN + STAMP.size]
    name, change = drawn_times(random)
    recording.notes.append(name)
    for k, stamp_ns in zip(places, change([stamp_of(recording.messages[k].data) for k in places]), strict=True):
        message = recording.messages[k]
        recording.messages[k] = replace(message, data=with_stamp(message.data, stamp_ns))


def log_times(random: Random, recording: Recording) -> None:
    places = drawn_streams(random, recording)
    name, change = drawn_times(random)
    recording.notes.append(name)
    for k, t_ns in zip(places, change([recording.messages[k].receive_ns for k in places]), strict=True):
        recording.messages[k] = replace(recording.messages[k], receive_ns=max(0, min(t_ns, LARGEST_NS)))


def invalid_stamps(random: Random, recording: Recording) -> None:
    """Nanoseconds beyond a second."""
    for k in some(random, drawn_streams(random, recording)):
        data = bytearray(recording.messages[k].data)
        data[BEGIN + 4 : BEGIN + 8] = random.choice((b"\xff" * 4, b"\0\xca\x9a\x3b"))
        recording.messages[k] = replace(recording.messages[k], data=bytes(data))


def file_order(random: Random, recording: Recording) -> None:
    """The same messages elsewhere in the file."""
    kinds: dict[str, Callable[[list[BagMessage]], list[BagMessage]]] = {
        "by topic": lambda found: sorted(found, key=lambda message: message.topic),
        "reversed": lambda found: found[::-1],
        "shuffled": lambda found: random.sample(found, len(found)),
        "rotated": lambda found: found[len(found) // 3 :] + found[: len(found) // 3],
    }
    name = random.choice(list(kinds))
    recording.notes.append(name)
    recording.messages = kinds[name](recording.messages)


def removed(random: Random, recording: Recording) -> None:
    gone = set(some(random, drawn_streams(random, recording)))
    recording.messages = [message for k, message in enumerate(recording.messages) if k not in gone]


def missing_topics(random: Random, recording: Recording) -> None:
    gone = set(drawn_streams(random, recording))
    recording.messages = [message for k, message in enumerate(recording.messages) if k not in gone]


def repeated(random: Random, recording: Recording) -> None:
    twice, times = set(some(random, drawn_streams(random, recording))), random.choice((2, 3))
    found = recording.messages
    recording.messages = [m for k, message in enumerate(found) for m in [message] * (times if k in twice else 1)]


def played_twice(random: Random, recording: Recording) -> None:
    """A restart of what was recorded, with or without one of the recorder."""
    later_ns = random.choice((0, 2 * S, 3600 * S))
    recording.messages += [replace(m, receive_ns=m.receive_ns + later_ns) for m in recording.messages]


def truncated(random: Random, recording: Recording) -> None:
    for k in some(random, drawn_streams(random, recording)):
        data = recording.messages[k].data
        recording.messages[k] = replace(recording.messages[k], data=data[: random.randrange(len(data) + 1)])


def longer(random: Random, recording: Recording) -> None:
    """Bytes behind the message, as some serialisers leave them."""
    recording.change(
        some(random, drawn_streams(random, recording)), lambda data: data + bytes(random.choice((1, 4, 99)))
    )


def flipped(random: Random, recording: Recording) -> None:
    """Bytes anywhere: what they say then may be false, but plausible."""

    def flip(data: bytes) -> bytes:
        found = bytearray(data)
        for _ in range(random.choice((1, 4)) if found else 0):
            found[random.randrange(min(len(found), random.choice((40, 200, 10**9))))] ^= random.randrange(1, 256)
        return bytes(found)

    recording.change(some(random, drawn_streams(random, recording)), flip)


def representation(random: Random, recording: Recording) -> None:
    new = random.choice((b"\0\0", b"\0\7", b"\0\6", b"\0\2", b"\0\3", b"\xff\xff", b"{}"))
    recording.change(some(random, drawn_streams(random, recording)), lambda data: new + data[2:])


TIMES_AND_BYTES = (
    *(stamps, stamps, log_times, invalid_stamps, file_order, removed, missing_topics, repeated, played_twice),
    *(truncated, longer, flipped, representation),
)
