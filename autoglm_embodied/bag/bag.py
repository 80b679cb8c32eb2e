"""A recording: one file, or the folder that `ros2 bag record` makes, of one or of several files."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import yaml

from autoglm_embodied.bag.mcap_file import McapFile
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.bag.sqlite_file import SqliteFile
from autoglm_embodied.bag.writer import EPOCH
from autoglm_embodied.errors import BagError

DISORDER_NS = 1_000_000_000  # between topics of a file, which some recorders write in turns
METADATA_FILE = "metadata.yaml"


class BagFile(Protocol):
    """What all kinds of files have in common."""

    metadata: dict[str, str]
    damage: str

    def messages(self) -> Iterator[BagMessage]:
        """All messages, once."""
        ...


KINDS: dict[str, Callable[[Path], BagFile]] = {".mcap": McapFile, ".db3": SqliteFile}


class Bag:
    """Reads a recording once, message by message in the order in which they came.

    Attributes:
        metadata: what the recorder noted, as far as read; empty where this package was not the recorder.
        damages: for each file that could not be read to its end, why.
    """

    def __init__(self, path: Path) -> None:
        """Find the files.

        Raises:
            BagError: there is no recording at `path`, or it is of a kind that cannot be read.
        """
        self.metadata: dict[str, str] = {}
        self.damages: list[str] = []
        if not path.exists():
            raise BagError(f"there is no recording {path}; name a .mcap or .db3 file, or the folder of a ROS 2 bag")
        self._paths = _listed(path) if path.is_dir() else [path]
        for file in self._paths:
            if file.suffix not in KINDS:
                raise BagError(f"{file} must be a .mcap or .db3 file, or the folder of such; convert it by ros2 bag")
            if not file.is_file():
                raise BagError(f"{path} lacks its file {file.name}; copy the whole bag")

    @property
    def epoch_ns(self) -> int:
        """Wall clock minus the clock of the receive times; 0 where those are of the wall clock."""
        return int(self.metadata.get(EPOCH, 0))

    def messages(self) -> Iterator[BagMessage]:
        """All messages.

        Raises:
            BagError: a file cannot be read at all.
        """
        for path in self._paths:
            file = KINDS[path.suffix](path)
            for message in in_order(file.messages()):
                self.metadata = file.metadata
                yield message
            if file.damage:
                self.damages.append(f"{path.name} is damaged, all before that was read: {file.damage}")


def in_order(messages: Iterable[BagMessage]) -> Iterator[BagMessage]:
    """By receive time, those of equal times as they stand; one that is out of place by more than a second stays so."""
    waiting: list[tuple[int, int, BagMessage]] = []
    number = count()
    for message in messages:
        heapq.heappush(waiting, (message.receive_ns, next(number), message))
        while message.receive_ns - waiting[0][0] > DISORDER_NS:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _listed(folder: Path) -> list[Path]:
    """The files of a bag; where its recorder was killed before it wrote the list, those that are there, by number."""
    metadata = folder / METADATA_FILE
    if metadata.is_file():
        return [_file(folder, name) for name in _names(metadata)]
    files = [file for file in folder.iterdir() if file.suffix in KINDS]
    if not files:
        raise BagError(f"the folder {folder} holds no recording; name one with {METADATA_FILE}, a .mcap or a .db3 file")
    return sorted(
        files, key=lambda file: [int(part) if part.isdigit() else 0 for part in re.split(r"(\d+)", file.stem)]
    )


def _file(folder: Path, name: str) -> Path:
    """A file of the list, of which older recorders gave the path from elsewhere."""
    return folder / name if (folder / name).is_file() else folder / Path(name).name


def _names(metadata: Path) -> list[str]:
    try:
        info: Any = yaml.safe_load(metadata.read_text())["rosbag2_bagfile_information"]
        names, compression = info["relative_file_paths"], info.get("compression_mode", "")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise BagError(f"cannot read {metadata} ({error}); name one of the bag's .mcap or .db3 files") from error
    if compression and str(compression).lower() != "none":
        raise BagError(f"{metadata.parent} is compressed by {str(compression).lower()}; unpack it by ros2 bag convert")
    if not names:
        raise BagError(f"{metadata} lists no file; the bag is empty")
    return [str(name) for name in names]
