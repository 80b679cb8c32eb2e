"""What each topic of a recording is: rate, jitter, clock, frame, layout and units, and which stream it may be."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration
from autoglm_embodied.ingest.cdr import (
    BEGIN,
    STAMP,
    RawImage,
    read_stamp_ns,
    read_string,
    read_wrench,
    read_wrench_batch,
)
from autoglm_embodied.ingest.compressed_images import CompressedImage, decompressed
from autoglm_embodied.ingest.image_encodings import COLOUR_ENCODINGS, DEPTH_ENCODINGS, depth_array_m
from autoglm_embodied.ingest.joint_states import JointStateReader
from autoglm_embodied.ingest.point_clouds import PointCloud, points_m
from autoglm_embodied.ingest.rgbd_frames import READERS
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.replay.player import topics

NS_PER_S, NS_PER_MS = 1e9, 1e6
STEADY_NS = 100_000_000  # by which a constant offset of a clock may seem to vary: transport
MAX_NAMED = 3
LOOKS_APART = 10  # images, of which one is decoded
CLOUD, COMPRESSED = "point cloud", re.compile("/compressed(Depth)?$")
IMAGES: dict[str, Container[str]] = {"rgb": COLOUR_ENCODINGS, "depth": (*DEPTH_ENCODINGS, CLOUD)}
PLAUSIBLE = {  # of each unit: the magnitudes that are, and what to ask where one is not
    "m": (0.05, 20.0, "are these millimetres, or is the camera's depth unit another than 1 mm?"),
    "rad": (0.0, 4 * np.pi, "are these degrees?"),
    "N": (0.0, 2000.0, "are these millinewtons?"),
}


@dataclass(frozen=True)
class TopicFacts:
    """What a topic of a recording is."""

    topic: str
    type_name: str
    messages: int
    rate_hz: float | None  # None of fewer than two messages
    jitter_ms: float | None  # 99 % of the times between messages are within it of their median
    clock: str  # the stamps against the times of receipt
    frame: str  # of most messages
    layout: str  # encoding and size, joints, or lens
    unit: str  # a typical magnitude, and a question where that is not plausible
    encoding: str = ""
    size_px: tuple[int, int] = (0, 0)  # width, height
    joint_names: tuple[str, ...] = ()
    calibration: Calibration | None = None


class TopicInspection:
    """Takes the messages of a topic, in order."""

    def __init__(self, topic: str, type_name: str) -> None:
        self._topic, self._type_name = topic, type_name
        self._receive_ns, self._stamps_ns = array("q"), array("q")
        self._stamped_receive_ns = array("q")
        self._times_ns: dict[tuple[str, str], array[int]] = {}  # stamps by frame and layout: several may publish
        self._magnitudes: dict[str, list[float]] = {}  # by unit
        self._joints = JointStateReader()
        self._joint_names: dict[str, None] = {}
        self._calibration: Calibration | None = None
        self._image = ("", (0, 0))
        readers: dict[str, Callable[[bytes], str]] = {
            **dict.fromkeys(READERS, self._take_image),
            SENSOR_STREAMS["camera_info"].type_name: self._take_camera_info,
            SENSOR_STREAMS["wrench"].type_name: self._take_wrench,
            SENSOR_STREAMS["wrench_batch"].type_name: self._take_wrench_batch,
            SENSOR_STREAMS["joints"].type_name: self._take_joints,
        }
        self._read = readers.get(type_name)

    def take(self, message: BagMessage) -> None:
        """Take a message."""
        frame = layout = ""
        time_ns, data = message.receive_ns, message.data
        self._receive_ns.append(time_ns)
        if self._read is not None:
            try:
                layout, time_ns = self._read(data), read_stamp_ns(data)
                frame = read_string(data, BEGIN + STAMP.size)[0] if data[1] % 2 else ""  # little-endian
            except SensorError as error:
                layout, time_ns = f"unreadable: {error}", message.receive_ns
            else:
                self._stamps_ns.append(time_ns)
                self._stamped_receive_ns.append(message.receive_ns)
        self._times_ns.setdefault((frame, layout), array("q")).append(time_ns)

    def facts(self, epoch_ns: int) -> TopicFacts:
        """What the messages tell; `epoch_ns` is the wall clock minus that of the receive times."""
        receive_ns = np.frombuffer(self._receive_ns, np.int64)
        stamps_ns, stamped_ns = (np.frombuffer(each, np.int64) for each in (self._stamps_ns, self._stamped_receive_ns))
        clock = clock_of(stamps_ns, stamped_ns + epoch_ns) if self._read else "not stamped, or not known"
        span_ns = max(self._receive_ns) - min(self._receive_ns)
        common = sorted(self._times_ns, key=lambda key: -len(self._times_ns[key]))
        return TopicFacts(
            self._topic,
            self._type_name,
            len(receive_ns),
            (len(receive_ns) - 1) * NS_PER_S / span_ns if span_ns else None,
            self._jitter_ms(),
            clock,
            common[0][0],
            self._layout(common),
            "; ".join(_unit(unit, values) for unit, values in self._magnitudes.items()),
            *self._image,
            tuple(self._joint_names),
            self._calibration,
        )

    def _jitter_ms(self) -> float | None:
        """By the stamps of each publisher, whose times between messages differ from their own median."""
        gaps_ns = [np.diff(np.frombuffer(times_ns, np.int64)) for times_ns in self._times_ns.values()]
        off_ns = [np.abs(each - np.median(each)) for each in gaps_ns if len(each)]
        return float(np.percentile(np.concatenate(off_ns), 99)) / NS_PER_MS if off_ns else None

    def _layout(self, common: list[tuple[str, str]]) -> str:
        """The most common ones, with how many there are of each where they are several."""
        if len(common) == 1:
            return common[0][1]
        named = [f"{len(self._times_ns[key])} x {key[1]} in frame {key[0]!r}" for key in common[:MAX_NAMED]]
        return "; ".join(named)

    def _take_image(self, data: bytes) -> str:
        image: RawImage | CompressedImage | PointCloud = READERS[self._type_name](data)
        looked_at, kind = len(self._receive_ns) % LOOKS_APART == 1, ""
        if isinstance(image, CompressedImage):
            kind = f"{image.format}, "
            if not looked_at:
                return kind + self._described()
            image = decompressed(image)
        self._image = CLOUD if isinstance(image, PointCloud) else image.encoding, (image.width, image.height)
        if looked_at and self._image[0] in (*DEPTH_ENCODINGS, CLOUD):
            depth_m = points_m(image)[2] if isinstance(image, PointCloud) else depth_array_m(image)
            known = depth_m[np.isfinite(depth_m) & (depth_m > 0)]
            self._note("m", float(np.median(known)) if len(known) else 0.0)
        return kind + self._described()

    def _described(self) -> str:
        encoding, (width, height) = self._image
        return f"{encoding} {width}x{height}"

    def _take_camera_info(self, data: bytes) -> str:
        self._calibration = found = Calibration.read(data)
        lens = f"{found.model} with {len(found.D)} coefficients" if found.distorted else "no distortion"
        return f"{found.width}x{found.height}, f {found.K[0, 0]:.1f} px, {lens}"

    def _take_wrench(self, data: bytes) -> str:
        self._note("N", math.hypot(*read_wrench(data)[2][:3]))
        return ""

    def _take_wrench_batch(self, data: bytes) -> str:
        wrenches = read_wrench_batch(data)[2]
        for wrench in wrenches:
            self._note("N", math.hypot(*wrench[:3]))
        return "batches"

    def _take_joints(self, data: bytes) -> str:
        _, position, velocity = self._joints.read(data)
        self._joint_names |= dict.fromkeys(self._joints.names)
        self._note("rad", float(np.abs(position).max()))
        silent = ", without velocities" if np.isnan(velocity).all() else ""
        return f"{len(position)} joints: {', '.join(self._joints.names)}{silent}"

    def _note(self, unit: str, magnitude: float) -> None:
        self._magnitudes.setdefault(unit, []).append(magnitude)


def _unit(unit: str, magnitudes: list[float]) -> str:
    typical = float(np.median(magnitudes))
    least, most, question = PLAUSIBLE[unit]
    return f"{typical:.3g} {unit}{'' if least <= typical <= most else f': {question}'}"


def clock_of(stamps_ns: NDArray[np.int64], wall_ns: NDArray[np.int64]) -> str:
    """What the clock of the stamps (n,) [ns] is, against the wall clock (n,) [ns] when each message came."""
    if not len(stamps_ns):
        return "no stamp could be read"
    if not stamps_ns.any():
        return "all stamps are zero"
    steps_ns = np.diff(stamps_ns)
    still, back = np.mean(steps_ns == 0) if len(steps_ns) else 0.0, int((steps_ns < 0).sum())
    limits, offsets_ns = AlignSettings(), stamps_ns - wall_ns
    offset_ns, spread_ns = float(np.median(offsets_ns)), np.ptp(np.percentile(offsets_ns, (1, 99)))
    if -limits.late_limit_ns <= offset_ns <= limits.ahead_limit_ns:
        found = f"wall clock, received {0.0 - offset_ns / NS_PER_MS:.3g} ms later"
    else:
        found = f"off the wall clock by {offset_ns / NS_PER_S:.4g} s"
    if spread_ns > STEADY_NS:
        found += f", varying by {spread_ns / NS_PER_S:.3g} s"
    found += f", {still:.0%} repeated" if still > 0.01 else ""
    return found + (f", backwards {back} times" if back else "")


def inspect(bag: Bag) -> list[TopicFacts]:
    """The facts of all topics of a bag, not read yet, by their names; BagError if it cannot be read."""
    found: dict[str, TopicInspection] = {}
    for message in bag.messages():
        if message.topic not in found:
            found[message.topic] = TopicInspection(message.topic, message.type_name)
        found[message.topic].take(message)
    return [found[topic].facts(bag.epoch_ns) for topic in sorted(found)]


def streams_of(
    found: Iterable[TopicFacts], metadata: Mapping[str, str], chosen: Mapping[str, str], joint_names: Iterable[str]
) -> dict[str, str]:
    """The topic of each stream: the chosen one, that of the noted or the default name, else the likeliest of its type.

    Args:
        found: the topics of a recording.
        metadata: what its recorder noted.
        chosen: the topics of streams that the user named.
        joint_names: of the robot.
    """
    by_topic = {facts.topic: facts for facts in found}
    known = {stream: topic for stream, topic in topics(metadata, chosen).items() if topic in by_topic}
    wanted = set(joint_names)
    for stream in (stream for stream in SENSOR_STREAMS if stream not in known):
        camera = _camera(known.get("depth" if stream == "depth_info" else "rgb", ""))
        fitting = [facts for facts in by_topic.values() if _fits(stream, facts)]
        if stream == "depth_info":
            own = camera not in ("", _camera(known.get("rgb", "")))  # not that of colour
            fitting = [facts for facts in fitting if own and _camera(facts.topic) == camera]
        if fitting and not (stream == "wrench_batch" and "wrench" in known):
            known[stream] = max(fitting, key=lambda facts: _likelihood(facts, camera, wanted)).topic
    return known


def _camera(topic: str) -> str:
    """The folder that a camera's topics share."""
    return COMPRESSED.sub("", topic).rpartition("/")[0]


def _fits(stream: str, facts: TopicFacts) -> bool:
    if facts.type_name not in SENSOR_STREAMS[stream].types:
        return False
    if stream not in IMAGES or facts.encoding == CLOUD:
        return True
    fitting = [each for each, encodings in IMAGES.items() if facts.encoding in encodings]
    return stream in fitting and (len(fitting) == 1 or ("depth" in facts.topic) == (stream == "depth"))


def _likelihood(facts: TopicFacts, camera: str, joint_names: set[str]) -> tuple[float, ...]:
    """What tells topics of one stream apart, the most important first; `camera` is the folder of its other topics."""
    name = facts.topic
    return (
        len(joint_names & set(facts.joint_names)),
        "infra" not in name,
        _camera(name) == camera,
        "color" in name or "rgb" in name or "aligned" in name,
        facts.type_name in (stream.type_name for stream in SENSOR_STREAMS.values()),  # raw before compressed, or points
        facts.messages,
        -len(name),
    )
