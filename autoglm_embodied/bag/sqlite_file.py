"""Messages of an sqlite3 bag file of `ros2 bag record` (rosbag2_storage_sqlite3, schema versions 1 to 4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.errors import BagError

TOPICS = "SELECT id, name, type, serialization_format FROM topics"
MESSAGES = "SELECT topic_id, timestamp, data FROM messages ORDER BY timestamp, id"


class SqliteFile:
    """Reads one file once.

    Attributes:
        metadata: empty, for this package records none such.
        damage: why the file could not be read to its end, empty if it could.
    """

    def __init__(self, path: Path) -> None:
        self.metadata: dict[str, str] = {}
        self.damage = ""
        self._path = path

    def messages(self) -> Iterator[BagMessage]:
        """All messages by the time they came, up to the end or the first damage.

        Raises:
            BagError: there is no message before the damage, or messages are not plain CDR.
        """
        count = 0
        try:
            with closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)) as bag:
                topics = self._topics(bag)
                for topic_id, t_ns, data in bag.execute(MESSAGES):
                    count += 1
                    yield BagMessage(*topics[topic_id], data, t_ns, t_ns)
        except (sqlite3.Error, KeyError, TypeError, OverflowError) as error:
            self.damage = str(error)
            if not count:
                raise BagError(
                    f"{self._path} holds no message that can be read ({error}); name a recording of ROS 2 topics"
                ) from error

    def _topics(self, bag: sqlite3.Connection) -> dict[int, tuple[str, str]]:
        topics: dict[int, tuple[str, str]] = {}
        for number, name, type_name, encoding in bag.execute(TOPICS):
            if encoding != "cdr":
                raise BagError(f"{self._path}: messages of {name} must be encoded as cdr, got {encoding!r}")
            topics[number] = (name, type_name)
        return topics
