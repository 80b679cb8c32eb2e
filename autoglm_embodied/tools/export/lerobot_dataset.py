"""Writes recordings as a LeRobot dataset, with its statistics (https://huggingface.co/docs/lerobot/lerobot-dataset-v3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import BagError, ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.tools.export.lerobot_columns import COLOUR, DEPTH, STATE, Feature, features, observed, schema
from autoglm_embodied.types import FloatArray, Frame, Observation
from autoglm_embodied.whole_file import write_whole

VERSION, CHUNK_FILES, LEVELS = "v3.0", 1000, 255.0
PATTERN = "chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA, EPISODES = f"data/{PATTERN}", "meta/episodes/chunk-000/file-000.parquet"
TASKS, INFO, STATS = "meta/tasks.parquet", "meta/info.json", "meta/stats.json"
RECORDED = "meta/autoglm.json"  # what LeRobot has no place for: intrinsics, and the robot that a recording needs
NO_TASK = "no instruction"
MM_PER_M, DEEPEST_MM = 1000.0, 32_767  # readers take images of 16 bits for signed
ROWS_AT_ONCE = 64
STEP = 8  # between the pixels that the statistics of images are of
HOLE = 1.5  # periods between ticks, at which another episode begins
Row = dict[str, Any]


class LeRobotDataset:
    """A dataset in the making; an episode ends where a recording does, and where its time does not go on.

    Args:
        folder: to make; ConfigError if there is something in it.
        robot: whose joints the state is of.
        fps: rows a second.
    """

    def __init__(self, folder: Path, robot: Robot, fps: int) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} is there and not empty; name a folder for --out that is not there yet")
        self._folder, self._robot, self._fps = folder, robot, fps
        self._columns: dict[str, Feature] = {}  # until the size of the images is known
        self._writer: pq.ParquetWriter | None = None  # of the present recording's file
        self._files = 0
        self._tasks: dict[str, int] = {}
        self._episodes: list[Row] = []
        self._episode_tasks: dict[str, None] = {}
        self._rows: list[Row] = []  # of the episode, that are not written yet; the last one lacks its action
        self._begin = self._index = 0  # of the first row of the episode, and of the next one
        self._newest_ns = 0
        self._statistics = Statistics()
        self._frame: Frame | None = None
        self._K: FloatArray = np.zeros((3, 3))  # of every frame
        self._images: Row = {}

    @property
    def rows(self) -> int:
        """How many there are so far."""
        return self._index

    def add(self, observation: Observation, stamps_ns: NDArray[np.int64], frame: Frame | None) -> None:
        """Take a tick and the newest frame; one before the first frame and joint state is left out.

        Args:
            observation: of the tick.
            stamps_ns: (n,) of its raw wrenches; see `observed`.
            frame: None until one came.
        """
        if self._rows and not 0 < observation.t_ns - self._newest_ns < HOLE * 1e9 / self._fps:
            self.end_episode()
        if frame is None or not (self._rows or (observation.joints.present and observation.vision.present)):
            return
        self._encode(frame)
        self._newest_ns = observation.t_ns
        row: Row = observed(observation, stamps_ns, self._columns) | self._images
        row |= self._counters(observation.language.value or NO_TASK)
        if self._rows:
            self._rows[-1]["action"] = row[STATE]
        self._rows.append(row)
        self._index += 1
        if len(self._rows) > ROWS_AT_ONCE:
            self._write(self._rows[:-1])
            self._rows = self._rows[-1:]

    def end_episode(self) -> None:
        """Write what is left of an episode, if there is one; its last action is to stay."""
        if not self._rows:
            return
        self._rows[-1]["action"] = self._rows[-1][STATE]
        self._write(self._rows)
        place = dict(zip(("chunk_index", "file_index"), divmod(self._files, CHUNK_FILES), strict=True))
        self._episodes.append(
            {"episode_index": len(self._episodes), "tasks": list(self._episode_tasks)}
            | {"length": self._index - self._begin}
            | {f"data/{name}": value for name, value in place.items()}
            | {"dataset_from_index": self._begin, "dataset_to_index": self._index}
            | {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        )
        self._rows, self._begin, self._episode_tasks = [], self._index, {}

    def end_recording(self) -> None:
        """End the episode, and the file that it is in."""
        self.end_episode()
        if self._writer is not None:
            self._writer.close()
            self._writer, self._files = None, self._files + 1

    def close(self) -> int:
        """Write what the dataset is; returns the number of its episodes. BagError if there is none."""
        self.end_recording()
        if not self._episodes:
            raise BagError(
                "no tick had a frame and a joint state, so there is nothing to export; ask autoglm doctor FILE"
            )
        for name, table in ((EPISODES, pa.Table.from_pylist(self._episodes)), (TASKS, tasks_table(self._tasks))):
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, self._folder / name)
        write_whole(self._folder / INFO, json.dumps(self._info(), indent=4))
        write_whole(self._folder / STATS, json.dumps(self._statistics.values(), indent=1))
        write_whole(self._folder / RECORDED, json.dumps(self._recorded(), indent=1))
        return len(self._episodes)

    def _info(self) -> Row:
        return {
            "codebase_version": VERSION,
            "robot_type": self._robot.name,
            "total_episodes": len(self._episodes),
            "total_frames": self._index,
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK_FILES,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": self._fps,
            "splits": {"train": f"0:{len(self._episodes)}"},
            "data_path": DATA,
            "video_path": None,
            "features": self._columns,
        }

    def _recorded(self) -> Row:
        robot, (height, width, _) = self._robot, self._columns[COLOUR]["shape"]
        return {
            "width": width,
            "height": height,
            "K": _plain(self._K),
            "joint_names": robot.joint_names,
            "finger_joint_names": robot.finger_joint_names,
            "base_frame": robot.base_frame,
            "wrench_frame": robot.wrench_frame,
        }

    def _counters(self, task: str) -> Row:
        self._episode_tasks[task] = None
        frame = self._index - self._begin
        return {
            "timestamp": np.float32(frame / self._fps),
            "frame_index": frame,
            "episode_index": len(self._episodes),
            "index": self._index,
            "task_index": self._tasks.setdefault(task, len(self._tasks)),
        }

    def _write(self, rows: list[Row]) -> None:
        if self._writer is None:
            chunk, file = divmod(self._files, CHUNK_FILES)
            path = self._folder / DATA.format(chunk_index=chunk, file_index=file)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(path, schema(self._columns), compression="snappy")
        for name in self._columns.keys() - {COLOUR, DEPTH}:
            self._statistics.add(name, np.stack([np.asarray(row[name]) for row in rows]))
        plain = [{name: _plain(row[name]) for name in self._columns} for row in rows]
        self._writer.write_table(pa.Table.from_pylist(plain, schema(self._columns)))

    def _encode(self, frame: Frame) -> None:
        """Both images of a frame as PNG, once."""
        if frame is self._frame:
            return
        if not self._columns:
            align = AlignSettings(arm_joints=self._robot.joints, finger_joints=len(self._robot.finger_joint_names))
            self._columns = features(self._robot, align, frame.camera.width, frame.camera.height)
            self._K = frame.camera.K
        size = [frame.camera.height, frame.camera.width]
        if self._columns[COLOUR]["shape"][:2] != size:
            wanted = "x".join(map(str, self._columns[COLOUR]["shape"][1::-1]))
            raise BagError(
                f"images of a dataset must be of one size, {wanted}, got {size[1]}x{size[0]}; export it apart"
            )
        if not np.array_equal(frame.camera.K, self._K):
            raise BagError("images of a dataset must be of one camera_info, K changed; export what follows apart")
        depth_mm = np.nan_to_num(frame.depth_m * MM_PER_M, nan=0.0, posinf=0.0, neginf=0.0)
        images = {COLOUR: frame.rgb[..., ::-1], DEPTH: np.clip(depth_mm, 0, DEEPEST_MM).astype(np.uint16)}
        self._frame, self._images = (
            frame,
            {name: {"bytes": _png(image), "path": None} for name, image in images.items()},
        )
        for name, image in ((COLOUR, frame.rgb / LEVELS), (DEPTH, images[DEPTH][..., None])):
            pixels = image[::STEP, ::STEP].reshape(-1, image.shape[2], 1, 1)
            self._statistics.add(name, pixels)


def _png(image: NDArray[Any]) -> bytes:
    return bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def tasks_table(tasks: Mapping[str, int]) -> pa.Table:
    """The tasks as pandas writes a table of `task_index` whose rows are named by the task."""
    about = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
            for name, kind, numpy in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    columns = {"task_index": pa.array(tasks.values(), pa.int64()), "task": pa.array(tasks, pa.string())}
    return pa.table(columns).replace_schema_metadata({"pandas": json.dumps(about)})


class Statistics:
    """Count, least, greatest, mean and deviation of each element of named arrays, without those that are NaN."""

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {}  # (5, ...): count, least, greatest, sum, sum of squares

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Take arrays (n, ...) of one shape."""
        values = values.astype(np.float64)
        known = ~np.isnan(values)
        zeroed = np.where(known, values, 0.0)
        least, most = np.where(known, values, np.inf).min(0), np.where(known, values, -np.inf).max(0)
        new = np.stack([known.sum(0), least, most, zeroed.sum(0), (zeroed**2).sum(0)])
        old = self._sums.get(name, new * np.array([0, 1, 1, 0, 0]).reshape(5, *[1] * (new.ndim - 1)))
        ends = np.minimum(old[1], new[1])[None], np.maximum(old[2], new[2])[None]
        self._sums[name] = np.concatenate([old[:1] + new[:1], *ends, old[3:] + new[3:]])

    def values(self) -> dict[str, dict[str, Any]]:
        """Those of every array of which each element was there at some time."""
        found = {}
        for name, (count, least, most, total, squares) in self._sums.items():
            if count.all():
                mean = total / count
                deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
                each = {"min": least, "max": most, "mean": mean, "std": deviation}
                found[name] = {key: np.atleast_1d(value).tolist() for key, value in each.items()}
                found[name]["count"] = [int(count.min())]
        return found
