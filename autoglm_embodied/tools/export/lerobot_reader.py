"""Reads LeRobot datasets (https://huggingface.co/docs/lerobot/lerobot-dataset-v3), of this package and of others."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autoglm_embodied.errors import BagError
from autoglm_embodied.tools.export.lerobot_columns import Feature
from autoglm_embodied.tools.export.lerobot_dataset import INFO, RECORDED, ROWS_AT_ONCE, TASKS, Row

MAJOR = "v3."
CONVERTER = "python -m lerobot.datasets.v30.convert_dataset_v21_to_v30"
COUNTED = {"episode_index", "timestamp"}  # that every row must have


class LeRobotReader:
    """A dataset; BagError, in one sentence, where a file is missing, damaged or of another version.

    Attributes:
        fps: rows a second.
        columns: kind, shape and names of each.
        recorded: what this package's export noted, empty in datasets of others.
        episodes: the row of each in the table of episodes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        info = self._json(INFO)
        version = str(info.get("codebase_version"))
        if not version.startswith(MAJOR):
            raise BagError(f"{folder} must be of LeRobot's format {MAJOR}x, got {version}; convert it: {CONVERTER}")
        self._info = info
        self.columns: dict[str, Feature] = self._features(info.get("features"))
        self.fps = self._fps(info.get("fps"))
        self.recorded = self._json(RECORDED) if (folder / RECORDED).exists() else {}
        tables = [
            self._table(str(path.relative_to(folder))) for path in sorted(folder.glob("meta/episodes/*/*.parquet"))
        ]
        if not tables:
            raise BagError(f"{folder} lacks its table of episodes, meta/episodes/*/*.parquet; copy the whole dataset")
        rows = [row for table in tables for row in table]
        self.episodes = {int(self._value(row, "episode_index")): row for row in rows}
        self._tasks = {self._value(row, "task_index"): self._task(row) for row in self._table(TASKS)}

    def rows(self, wanted: Sequence[int], columns: Sequence[str]) -> Iterator[Row]:
        """The rows of episodes, in the order of the files, with these columns, `task` and what counts them."""
        places = dict.fromkeys(
            tuple(int(self._value(self.episodes[number], f"data/{name}")) for name in ("chunk_index", "file_index"))
            for number in wanted
        )
        for chunk, file in places:
            name = self._path("data_path", chunk_index=chunk, file_index=file)
            for row in self._batches(name, {*columns, *COUNTED, "task_index"}):
                if not isinstance(row["timestamp"], (int, float)) or not math.isfinite(row["timestamp"]):
                    raise BagError(
                        f"timestamp in {self.folder / name} must be finite numbers, got {row['timestamp']!r}"
                    )
                if row["episode_index"] in wanted:
                    yield row | {"task": self._tasks.get(row.get("task_index"), "")}

    def video(self, column: str, episode: int) -> Video:
        """The images of an episode."""
        row, key = self.episodes[episode], f"videos/{column}"
        chunk, file = (int(self._value(row, f"{key}/{name}")) for name in ("chunk_index", "file_index"))
        name = self._path("video_path", video_key=column, chunk_index=chunk, file_index=file)
        return Video(self.folder / name, float(self._value(row, f"{key}/from_timestamp")), self.fps)

    def image(self, value: Any) -> bytes:
        """The encoded image of a cell, which may name a file of the dataset."""
        if not isinstance(value, dict) or not (value.get("bytes") or value.get("path")):
            raise BagError(f"{self.folder}: an image must be bytes or the path of a file, got {value!r:.60}")
        try:
            return bytes(value["bytes"] or (self.folder / value["path"]).read_bytes())
        except OSError as error:
            raise BagError(f"{self.folder} lacks its image {value['path']}; copy the whole dataset") from error

    def _json(self, name: str) -> Row:
        try:
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise BagError(f"{self.folder} is no LeRobot dataset, it lacks {name}; name its folder") from error
        except (OSError, ValueError) as error:
            raise BagError(f"cannot read {self.folder / name} ({error}); copy the dataset again") from error
        if not isinstance(found, dict):
            raise BagError(f"{self.folder / name} must hold a mapping, got {type(found).__name__}")
        return found

    def _features(self, found: Any) -> dict[str, Feature]:
        whole = isinstance(found, dict) and all(
            isinstance(each, dict) and isinstance(each.get("dtype"), str) and _is_shape(each.get("shape"))
            for each in found.values()
        )
        if not whole or not set(found) >= COUNTED:
            wanted = ", ".join(sorted(COUNTED))
            raise BagError(f"features in {self.folder / INFO} must give dtype and shape of each column, and {wanted}")
        return dict(found)

    def _fps(self, found: Any) -> float:
        if not isinstance(found, (int, float)) or not 0 < found <= 1000:
            raise BagError(f"fps in {self.folder / INFO} must be above 0 and at most 1000, got {found!r}")
        return float(found)

    def _path(self, pattern: str, **places: Any) -> str:
        try:
            return str(self._info[pattern]).format(**places)
        except (KeyError, IndexError, ValueError) as error:
            raise BagError(f"{pattern} in {self.folder / INFO} must be a pattern of {', '.join(places)}") from error

    def _table(self, name: str) -> list[Row]:
        return [row for row in self._batches(name, set())]

    def _batches(self, name: str, columns: set[str]) -> Iterator[Row]:
        """The rows of a file, with those of the columns that it has, or all."""
        path = self.folder / name
        try:
            with pq.ParquetFile(path) as file:
                there = columns & set(file.schema_arrow.names)
                if columns and not there >= COUNTED:
                    raise BagError(f"{path} lacks its columns {', '.join(sorted(COUNTED - there))}; record it again")
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=sorted(there) or None):
                    yield from batch.to_pylist()
        except FileNotFoundError as error:
            raise BagError(f"{self.folder} lacks its file {name}; copy the whole dataset") from error
        except (OSError, ValueError, KeyError, MemoryError, OverflowError, pa.ArrowException) as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise BagError(f"cannot read {path} ({first}); copy the dataset again") from error

    def _value(self, row: Row, name: str) -> Any:
        if row.get(name) is None:
            raise BagError(f"{self.folder} lacks {name} in its tables of episodes or tasks; convert it again")
        return row[name]

    @staticmethod
    def _task(row: Row) -> str:
        """The text beside `task_index`, whatever the column is called."""
        return next((value for value in row.values() if isinstance(value, str)), "")


def _is_shape(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(type(size) is int and size > 0 for size in found)


class Video:
    """The images of one episode in a video that may hold several.

    Args:
        path: of the video.
        begin_s: of the episode in it.
        fps: images a second.
    """

    def __init__(self, path: Path, begin_s: float, fps: float) -> None:
        self._path, self._begin_s, self._tolerance_s = path, begin_s, 0.5 / fps
        try:
            self._container = av.open(str(path))
            stream = self._container.streams.video[0]
            self._container.seek(int(begin_s / (stream.time_base or 1)), stream=stream)
            self._frames = self._container.decode(stream)
        except (OSError, ValueError, IndexError, av.FFmpegError) as error:
            raise BagError(f"cannot read the video {path} ({error}); copy the whole dataset") from error

    def at(self, t_s: float) -> NDArray[np.uint8]:
        """(height, width, 3) red first, at a time of the episode that is after that of the last call."""
        wanted_s = self._begin_s + t_s
        try:
            for frame in self._frames:
                late_s = (frame.time or 0.0) - wanted_s
                if late_s > self._tolerance_s:
                    break
                if late_s >= -self._tolerance_s:
                    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        except (OSError, ValueError, av.FFmpegError) as error:
            raise BagError(f"the video {self._path} is damaged ({error}); copy the dataset again") from error
        raise BagError(f"the video {self._path} has no image at {wanted_s:.3f} s; copy the dataset again")

    def close(self) -> None:
        """Close the file."""
        self._container.close()
