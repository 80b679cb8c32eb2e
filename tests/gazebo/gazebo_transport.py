"""A client of Gazebo 11's transport: topics are TCP connections from subscriber to publisher, found through a master.

Every message is preceded by its length as 8 hexadecimal digits; what goes to and from the master, and the first
message to a publisher, is a Packet.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Condition, Lock, Thread
from types import TracebackType
from typing import Any

from gazebo_messages import PACKAGE, new, parsed

HOST = "127.0.0.1"
DIGITS = 8
MATCH_S = 10.0
KNOWN = {"publisher_add"}
FOUND = {"publisher_advertise", "publisher_subscribe"}
"""What the master says of a publisher: that it is there, and that it is one of a topic subscribed to."""


class NotUpError(AssertionError):
    """Gazebo is locked up; when it starts on a busy machine, one time in ten."""


class Transport:
    """Subscribes and publishes on the server at `port`; each connection has a thread. Use it as a context manager."""

    def __init__(self, port: int) -> None:
        self._sockets: list[socket.socket] = []
        self._takers: dict[str, tuple[str, Callable[[bytes], None]]] = {}
        self._readers: dict[str, list[socket.socket]] = {}
        self._heard: set[str] = set()
        self._changed = Condition()
        self._sending = Lock()
        self._closing = False
        self._listening = socket.create_server((HOST, 0))
        self._own_port = int(self._listening.getsockname()[1])
        self._master = self._connect(HOST, port)
        for _ in range(2):  # version, namespaces
            _receive(self._master)
        self.publishers = {known.topic: known for known in self._known_publishers()}
        self._threads = [Thread(target=self._follow_master), Thread(target=self._accept)]
        for thread in self._threads:
            thread.start()

    def subscribe(self, topic: str, kind: str, take: Callable[[bytes], None]) -> None:
        """Call `take` with the wire form of every message, in a thread of the topic's own; returns once connected."""
        self._takers[topic] = kind, take
        self._tell("subscribe", self._subscription(topic, kind))
        with self._changed:
            found = self._changed.wait_for(lambda: topic in self._heard, MATCH_S)
        if not found:
            raise NotUpError(f"it publishes no {topic}")

    def advertise(self, topic: str, kind: str) -> None:
        """Publish on a topic from now on; returns when somebody listens."""
        self._readers[topic] = []
        self._tell("advertise", new("Publish", topic=topic, msg_type=kind, host=HOST, port=self._own_port))
        with self._changed:
            heard = self._changed.wait_for(lambda: bool(self._readers[topic]), MATCH_S)
        if not heard:
            raise NotUpError(f"it does not listen to {topic}")

    def publish(self, topic: str, *messages: Any) -> None:
        """Send messages to all who listen, at once."""
        data = b"".join(_framed(message.SerializeToString()) for message in messages)
        with self._changed:
            readers = list(self._readers[topic])
        for reader in readers:
            reader.sendall(data)

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        for connection in [self._listening, *self._sockets]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the server ended it before
            connection.close()
        for thread in self._threads:
            thread.join()

    def _known_publishers(self) -> list[Any]:
        packet = parsed("Packet", _receive(self._master))
        return list(parsed("Publishers", packet.serialized_data).publisher)

    def _follow_master(self) -> None:
        for data in self._messages(self._master):
            packet = parsed("Packet", data)
            if packet.type in KNOWN | FOUND:
                publisher = parsed("Publish", packet.serialized_data)
                self.publishers[publisher.topic] = publisher
                asked_for = publisher.topic in self._takers  # the master may tell of what others subscribe to
                if packet.type in FOUND and asked_for and publisher.port != self._own_port:
                    self._listen_to(publisher)

    def _listen_to(self, publisher: Any) -> None:
        kind, take = self._takers[publisher.topic]
        connection = self._connect(publisher.host, publisher.port)
        connection.sendall(_framed(_packet("sub", self._subscription(publisher.topic, kind))))
        thread = Thread(target=lambda: [take(data) for data in self._messages(connection)], name=publisher.topic)
        self._threads.append(thread)
        thread.start()
        with self._changed:
            self._heard.add(publisher.topic)
            self._changed.notify_all()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._sockets.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            packet = parsed("Packet", _receive(connection))
            topic = parsed("Subscribe", packet.serialized_data).topic
            with self._changed:
                self._readers.setdefault(topic, []).append(connection)
                self._changed.notify_all()

    def _messages(self, connection: socket.socket) -> Any:
        while not self._closing:
            try:
                yield _receive(connection)
            except (OSError, EOFError):
                return

    def _tell(self, kind: str, message: Any) -> None:
        with self._sending:
            self._master.sendall(_framed(_packet(kind, message)))

    def _subscription(self, topic: str, kind: str) -> Any:
        return new("Subscribe", topic=topic, msg_type=kind, host=HOST, port=self._own_port, latching=False)

    def _connect(self, host: str, port: int) -> socket.socket:
        connection = socket.create_connection((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(connection)
        return connection


def message_type(name: str) -> str:
    """A message's type as the master knows it."""
    return f"{PACKAGE}.{name}"


def _packet(kind: str, message: Any) -> bytes:
    stamp = new("Time", sec=0, nsec=0)
    data = new("Packet", stamp=stamp, type=kind, serialized_data=message.SerializeToString()).SerializeToString()
    return bytes(data)


def _framed(data: bytes) -> bytes:
    return b"%08X" % len(data) + data


def _receive(connection: socket.socket) -> bytes:
    return _exactly(connection, int(_exactly(connection, DIGITS), 16))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        count = connection.recv_into(view[done:])
        if count == 0:
            raise EOFError
        done += count
    return bytes(data)
