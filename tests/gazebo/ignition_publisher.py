"""Publishes on a topic of Ignition Transport, over which Gazebo 11 takes joint commands.

Publishers and subscribers find each other by UDP multicast; the messages then go over ZeroMQ's wire protocol
(ZMTP 3.0, rfc.zeromq.org/spec/23), of which a publisher without security needs little.
"""

from __future__ import annotations

import socket
import struct
import uuid
from collections.abc import Iterator, Sequence
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any

from gazebo_messages import new, parsed

HOST = "127.0.0.1"
GROUP, PORT = "239.255.0.7", 10317
VERSION = 10  # of the discovery protocol
ADVERTISE, SUBSCRIBE, HEARTBEAT, BYE = 1, 2, 4, 5
EVERYWHERE = 2  # scope of a publisher
UNLIMITED = 2**64 - 1  # messages a second
BEAT_S = 0.5  # a peer that is silent for three seconds is forgotten
MATCH_S = 10.0
LENGTH = struct.Struct("<H")
GREETING = b"\xff" + bytes(8) + b"\x7f" + bytes([3, 0]) + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 1, 2, 4  # flags of a frame
READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 3) + b"PUB"


class IgnitionPublisher:
    """The publisher of one topic of a partition; use it as a context manager."""

    def __init__(self, partition: str, topic: str, kind: str) -> None:
        self._topic, self._kind = f"@/{partition}@{topic}", kind
        self._process, self._node = str(uuid.uuid4()), str(uuid.uuid4())
        self._readers: list[socket.socket] = []
        self._changed, self._ended = Condition(), Event()
        self._listening = socket.create_server((HOST, 0))
        self._address = f"tcp://{HOST}:{self._listening.getsockname()[1]}"
        self._discovery = _multicast_socket()
        self._threads = [Thread(target=target) for target in (self._accept, self._discover)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until somebody listens."""
        with self._changed:
            heard = self._changed.wait_for(lambda: bool(self._readers), MATCH_S)
        assert heard, f"nobody listens to {self._topic}"

    def publish(self, messages: Sequence[Any]) -> None:
        """Send messages to all who listen, at once."""
        ends = [self._topic.encode(), self._address.encode(), b"", self._kind.encode()]
        data = b""
        for message in messages:
            ends[2] = message.SerializeToString()
            data += b"".join(_frame(part, MORE) for part in ends[:-1]) + _frame(ends[-1], 0)
        with self._changed:
            readers = list(self._readers)
        for reader in readers:
            try:
                reader.sendall(data)
            except OSError:
                with self._changed:
                    self._readers.remove(reader)

    def __enter__(self) -> IgnitionPublisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._say(BYE)
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in [self._listening, self._discovery, *self._readers]:
            connection.close()

    def _discover(self) -> None:
        """Advertise once in a while, and at once when somebody asks."""
        while not self._ended.is_set():
            self._say(ADVERTISE)
            self._say(HEARTBEAT)
            for message in self._heard():
                if message.type == SUBSCRIBE and message.sub.topic == self._topic:
                    self._say(ADVERTISE)

    def _heard(self) -> Iterator[Any]:
        """What others say until the next beat is due."""
        self._discovery.settimeout(BEAT_S)
        while not self._ended.is_set():
            try:
                data = self._discovery.recv(65536)
            except TimeoutError:
                return
            message = parsed("Discovery", data[LENGTH.size :])
            if message.process_uuid != self._process:
                yield message

    def _say(self, kind: int) -> None:
        message = new("Discovery", version=VERSION, process_uuid=self._process, type=kind)
        if kind == ADVERTISE:
            own = {"process_uuid": self._process, "node_uuid": self._node, "scope": EVERYWHERE}
            limits = new("MessagePublisher", ctrl=self._address, msg_type=self._kind, msgs_per_sec=UNLIMITED)
            message.pub.CopyFrom(new("Publisher", topic=self._topic, address=self._address, msg_pub=limits, **own))
        data = message.SerializeToString()
        self._discovery.sendto(LENGTH.pack(len(data)) + data, (GROUP, PORT))

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = Thread(target=self._greet, args=(connection,), daemon=True)
            thread.start()

    def _greet(self, connection: socket.socket) -> None:
        """Handshake; who then subscribes is a reader. Others, such as who reports a subscription, are let go."""
        with connection.makefile("rb") as incoming:
            connection.sendall(GREETING)
            incoming.read(len(GREETING))
            connection.sendall(_frame(READY, COMMAND))
            ready = _read_frame(incoming)
            if b"SUB" in ready and _read_frame(incoming)[:1] == b"\x01":
                with self._changed:
                    self._readers.append(connection)
                    self._changed.notify_all()
                return
        connection.close()


def _multicast_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("", PORT))
    own = socket.inet_aton(HOST)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + own)
    return made


def _frame(body: bytes, flags: int) -> bytes:
    if len(body) > 255:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def _read_frame(incoming: Any) -> bytes:
    head = incoming.read(2)
    return bytes(incoming.read(head[1])) if len(head) == 2 else b""
