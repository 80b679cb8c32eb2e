"""record_node: the topics that can be replayed, and others on request, to an MCAP file.

A process of its own, so that nothing that happens to it or to the disk can hold up the robot. Its receive times are
therefore not those of the fusion node, which takes the same messages a moment earlier or later and is busy in between:
a replay gives exactly what a node that received at these times would have observed.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_topic_name import validate_topic_name

from autoglm_embodied.bag.message import BagMessage, MessageCounts, message_definition, share_folders
from autoglm_embodied.bag.writer import BackgroundBagWriter, BagWriter
from autoglm_embodied.errors import BagError, ConfigError
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.metrics import git_commit
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES, RawSubscriptions, TopicType
from autoglm_embodied.ros.parameters import parameter, topic_parameter
from autoglm_embodied.ros.qos import FAST
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.setting import About

DISCOVERY_PERIOD_S = 0.5  # for publishers that came or went
REPORT_PERIOD_S = 2.0
WAIT_NS = 100_000_000  # how long an end may have to wait for the thread
SWITCH_INTERVAL_S = 0.0005  # the receiving thread must not wait 5 ms for the writing one
READABLE = {name for stream in STREAMS.values() for name in stream.types}
PAUSE_S = 0.001  # between two looks at the queues, in which a few messages of the fast topics come

OUT = About("folder, or MCAP file, to record to")
SECONDS = About("how long to record; 0: until it is asked to end")
MORE = About("further topics to record")
SENSORS = About("whether to record every topic that may be a sensor's, whatever it is called")


class RecordNode(Node):
    """Records from its start until it is closed.

    Raises:
        AutoGLMError: the file cannot be made, or a parameter is impossible.
    """

    def __init__(self, overrides: Sequence[Parameter[Any]] = ()) -> None:
        super().__init__("record_node", parameter_overrides=list(overrides))
        out, seconds = parameter(self, "out", "out/record", OUT), parameter(self, "seconds", 0.0, SECONDS)
        if not 0.0 <= seconds < float("inf"):
            raise ConfigError(
                f"parameter seconds of record_node must be 0 (until it is asked to end) or more, got {seconds:g}"
            )
        streams = {
            name: self._resolved(topic_parameter(self, name, default.topic)) for name, default in STREAMS.items()
        }
        more = parameter(self, "more", [""], MORE)
        self._others = {self._resolved(name) for name in more if name} - set(streams.values())
        self._sensors = parameter(self, "sensors", False, SENSORS)
        self._recorded = set(streams.values())
        self.graph: dict[str, str] = {}  # every topic there was, and its type
        self.path = file_of(Path(out).expanduser(), time.time())
        epoch_ns = time.time_ns() - time.monotonic_ns()
        metadata = {"git": git_commit() or ""} | {f"stream.{name}": topic for name, topic in streams.items()}
        folders = share_folders()
        writer = BagWriter(self.path, epoch_ns, metadata, lambda type_name: message_definition(type_name, folders))
        self.counts = MessageCounts(time.monotonic_ns())
        self._writer = BackgroundBagWriter(writer, time.monotonic_ns)
        self._streams = RawSubscriptions(self, epoch_ns, self._take)
        for name, topic in streams.items():
            self._streams.add(topic, STREAM_TYPES[name])
        self._failure: Exception | None = None
        self._ended = Event()
        self._thread = Thread(target=self._listen, name="recorder")
        self._thread.start()
        self.create_timer(DISCOVERY_PERIOD_S, self._discover)
        self.create_timer(REPORT_PERIOD_S, self._report)
        if seconds:
            self.create_timer(seconds, lambda: signal.raise_signal(signal.SIGINT))  # as if it were asked to end
        print(f"recording to {self.path}; Ctrl-C ends", flush=True)

    @property
    def ros(self) -> Node:
        """The node to spin."""
        return self

    @property
    def failure(self) -> Exception | None:
        """Why recording stopped."""
        return self._failure or self._writer.failure

    def close(self) -> None:
        """End the threads and the file."""
        self._ended.set()
        self._thread.join()
        self._streams.poll()
        self._streams.close()
        self._writer.close()
        print(
            f"{self.path}: {self.counts.total(time.monotonic_ns(), self._writer.written, self._writer.dropped)}",
            flush=True,
        )

    def _resolved(self, topic: str) -> str:
        try:
            validate_topic_name(topic)
        except InvalidTopicNameException as error:
            raise ConfigError(f"{topic!r} is no name of a topic; use letters, digits, _ and /") from error
        return str(self.resolve_topic_name(topic))

    def _listen(self) -> None:
        try:
            while not self._ended.wait(PAUSE_S):
                self._streams.wait(WAIT_NS)
                self._streams.poll()
        except Exception as error:
            self._failure = error

    def _take(self, message: BagMessage) -> None:
        self.counts.add(message)
        self._writer.put(message)

    def _discover(self) -> None:
        self._streams.update_publishers()
        self.graph |= {topic: kinds[0] for topic, kinds in self.get_topic_names_and_types()}
        if self._sensors:
            self._others |= {topic for topic, kind in self.graph.items() if kind in READABLE} - self._recorded
        for topic in sorted(self._others):
            found = self.get_publishers_info_by_topic(topic)
            if found:
                self._others.remove(topic)
                self._recorded.add(topic)
                try:
                    self._streams.add(topic, TopicType(message_type(topic, found[0].topic_type), FAST))
                except BagError as error:
                    self._failure = error

    def _report(self) -> None:
        print(self.counts.rates(time.monotonic_ns(), self._writer.written), flush=True)


def file_of(out: Path, now_s: float) -> Path:
    """The .mcap file to record to: `out`, or one in that folder named after the wall clock's time."""
    return out if out.suffix == ".mcap" else out / time.strftime("record_%Y-%m-%d_%H-%M-%S.mcap", time.localtime(now_s))


def message_type(topic: str, type_name: str) -> type:
    """The class of a topic's messages, whose type the graph calls by a name such as std_msgs/msg/String.

    Raises:
        BagError: it is not installed.
    """
    package, kind, name = type_name.split("/")
    try:
        found: type = getattr(importlib.import_module(f"{package}.{kind}"), name)
    except (ImportError, AttributeError) as error:
        raise BagError(f"{topic} is of type {type_name}, which is not installed; install {package}") from error
    return found


def record(parameters: Mapping[str, Any] | None = None) -> int:
    """Record, with these parameters, until a signal; the exit status: 0, 1 if nothing came, 2 if it had to stop."""
    overrides = [Parameter(name, value=value) for name, value in (parameters or {}).items()]
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    nodes: list[RecordNode] = []

    def make() -> RecordNode:
        nodes.append(RecordNode(overrides))
        return nodes[0]

    return run(make) or int(not nodes[0].counts.by_topic)


def record_sensors(path: Path, seconds: float, streams: Mapping[str, str]) -> None:
    """Record for a while every topic of the graph that may be a sensor's.

    Args:
        path: the .mcap file to make.
        seconds: how long.
        streams: the topics of streams that the user named.

    Raises:
        BagError: nothing came, or the file cannot be written.
    """
    topics = [Parameter(f"topics.{stream}", value=topic) for stream, topic in streams.items()]
    nodes: list[RecordNode] = []

    def make() -> RecordNode:
        given = {"out": str(path), "seconds": seconds, "sensors": True}
        nodes.append(RecordNode([Parameter(name, value=value) for name, value in given.items()] + topics))
        return nodes[0]

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        status = run(make)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if status:
        raise BagError(f"{path} was not recorded")
    if not nodes[0].counts.by_topic:
        path.unlink()
        own = ("/rosout", "/parameter_events")
        there = ", ".join(f"{name} ({kind})" for name, kind in sorted(nodes[0].graph.items()) if name not in own)
        raise BagError(
            f"nothing came in {seconds:g} s: looked for topics of {', '.join(sorted(READABLE))}; there are "
            f"{there or 'no topics'} in domain {os.environ.get('ROS_DOMAIN_ID', '0')}; start the drivers"
        )


def main() -> int:
    """Run the node until a signal."""
    return record()


if __name__ == "__main__":
    sys.exit(main())
