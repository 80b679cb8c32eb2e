"""One recorded message as it came over the wire, how many there are of each topic, and what their types consist of."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NS_PER_S = 1e9


@dataclass(frozen=True)
class BagMessage:
    """The bytes of a message and when it came."""

    topic: str  # its full name
    type_name: str  # such as sensor_msgs/msg/Image
    data: bytes  # plain CDR, the 4 bytes of the byte order included
    receive_ns: int  # on the recorder's monotonic clock; in a bag that this package did not write, on its wall clock
    publish_ns: int  # the header stamp, or what comes nearest to it


class MessageCounts:
    """Counts the messages of each topic, and their rate since the last report; times are on their receive clock."""

    def __init__(self, begun_ns: int) -> None:
        self.by_topic: Counter[str] = Counter()
        self._begun_ns = self._reported_ns = begun_ns
        self._reported: Counter[str] = Counter()

    def add(self, message: BagMessage) -> None:
        """Count a message."""
        self.by_topic[message.topic] += 1

    def rates(self, now_ns: int, written: int) -> str:
        """One line: how long, how much (`written` bytes of the file), and the present rate of each topic."""
        elapsed_s = max(now_ns - self._reported_ns, 1) / NS_PER_S
        hz = {topic: (count - self._reported[topic]) / elapsed_s for topic, count in sorted(self.by_topic.items())}
        self._reported_ns, self._reported = now_ns, self.by_topic.copy()
        rates = ", ".join(f"{topic} {rate:.0f} Hz" for topic, rate in hz.items())
        return f"{(now_ns - self._begun_ns) / NS_PER_S:.0f} s, {written / 1e6:.1f} MB: {rates or 'nothing comes yet'}"

    def total(self, now_ns: int, written: int, dropped: int) -> str:
        """One sentence: how long, how much (`written` bytes), how many of each topic, and how many were left out."""
        counts = ", ".join(f"{count} of {topic}" for topic, count in sorted(self.by_topic.items()))
        lost = f"; {dropped} dropped, for the disk was too slow" if dropped else ""
        seconds = (now_ns - self._begun_ns) / NS_PER_S
        return f"{seconds:.1f} s, {written / 1e6:.1f} MB: {counts or 'no message came'}{lost}"


SEPARATOR = "=" * 80
PRIMITIVE = re.compile(r"(bool|byte|char|float32|float64|u?int(8|16|32|64)|w?string)(<=\d+)?$")


def share_folders() -> list[Path]:
    """Where the definitions of installed message packages lie."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    return [Path(prefix) / "share" for prefix in dict.fromkeys(prefixes) if prefix]


def message_definition(type_name: str, folders: Sequence[Path]) -> str:
    """The definition of a type, and behind a line of = that of each type in it (schema encoding ros2msg).

    It is empty where one of the types is not installed as text: a reader then knows the type by its name alone.

    Args:
        type_name: such as sensor_msgs/msg/Image.
        folders: the share folders of installed packages.
    """
    texts: dict[str, str] = {}
    wanted = [type_name]
    while wanted:
        name = wanted.pop(0)
        if name in texts:
            continue
        paths = (folder / f"{name}.msg" for folder in folders)
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            return ""
        texts[name] = path.read_text()
        wanted += _field_types(texts[name], package=name.partition("/")[0])
    first, *others = texts.items()
    return first[1] + "".join(f"\n{SEPARATOR}\nMSG: {name.replace('/msg/', '/')}\n{text}" for name, text in others)


def _field_types(text: str, package: str) -> list[str]:
    """Full names of the types, that are no primitives, of the fields of a definition in `package`."""
    words = [line.partition("#")[0].split() for line in text.splitlines()]
    fields = [line[0].partition("[")[0] for line in words if len(line) >= 2]
    parts = [field.split("/") for field in fields if not PRIMITIVE.match(field)]
    return [f"{part[0] if part[1:] else package}/msg/{part[-1]}" for part in parts]
